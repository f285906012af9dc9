/**
 * Splits a stream of bytes on line feeds, so that a character cut in two by a chunk stays whole. A last line without
 * its line feed is dropped: the connection ended inside it.
 */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = []
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      held.push(chunk.subarray(start, end))
      const line = Buffer.concat(held).toString('utf8')
      held = []
      start = end + 1
      if (line.trim() !== '') yield line
    }
    if (start < chunk.length) held.push(chunk.subarray(start))
  }
}
