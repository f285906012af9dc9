/** What ends the pictures: the message says what failed and what to do about it. */
export class ScreenshotsError extends Error {
  override readonly name = 'ScreenshotsError'
}
