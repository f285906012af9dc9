/** What ends the demo: the message says what failed and what to do about it. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
}
