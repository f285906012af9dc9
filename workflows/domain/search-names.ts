/** Bytes of a search attribute: the server refuses values over 2 KB, and a task with one that is refused never ends. */
const MAX_BYTES = 1_500
/** Bytes of one entry: the visibility store indexes 255 characters. */
const MAX_ENTRY = 200

/**
 * The names as they are searched for: the first ones that fit, then `+63` for the others.
 *
 * @param more how many names there are besides `names`
 */
export function searchNames(names: readonly string[], more: number): string[] {
  const shown: string[] = []
  let bytes = 0
  for (const name of names) {
    const size = utf8Bytes(name)
    if (size > MAX_ENTRY) continue
    bytes += size + '"",'.length
    if (bytes > MAX_BYTES) break
    shown.push(name)
  }
  const others = names.length - shown.length + more
  return others > 0 ? [...shown, `+${others}`] : shown
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length
}
