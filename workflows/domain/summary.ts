/** The history cuts a summary after this many characters. */
export const MAX_SUMMARY = 64

/** Keeps both ends of a long text, because names differ in front and providers stand at the end. */
export function shorten(text: string, max = MAX_SUMMARY): string {
  if (text.length <= max) return text
  const head = Math.ceil((max - 1) * 0.6)
  return `${text.slice(0, head)}…${text.slice(text.length - (max - 1 - head))}`
}
