import { open } from 'node:fs/promises'

/** The last lines of a log after a byte offset, for an error message; '' where there is no log. */
export async function logTail(path: string, since = 0, lines = 12): Promise<string> {
  const text = await readFrom(path, since).catch(() => '')
  return text
    .slice(-8192)
    .split('\n')
    .map((line) =>
      line
        .replace(/[\p{Cc}]+/gu, ' ')
        .trim()
        .slice(0, 400),
    )
    .filter((line) => line !== '')
    .slice(-lines)
    .join('\n')
}

/** The text of a file from a byte offset on, at most its last MiB. */
export async function readFrom(path: string, offset: number): Promise<string> {
  await using file = await open(path)
  const { size } = await file.stat()
  const start = Math.max(Math.min(offset, size), size - 2 ** 20)
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start)
  return buffer.toString('utf8', 0, bytesRead)
}
