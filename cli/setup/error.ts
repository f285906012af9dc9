import { cleanText } from '../../activities/clean-text.ts'

/**
 * Why setup cannot go on, in one sentence that ends in what to do. `detail` is text from a server, cleaned; our own
 * words are kept whole.
 */
export class SetupError extends Error {
  override readonly name = 'SetupError'

  constructor(message: string, options: { detail?: string; cause?: unknown } = {}) {
    const { detail, cause } = options
    const text = detail === undefined || detail === '' ? message : `${message} (${cleanText(detail)})`
    super(text, cause === undefined ? {} : { cause })
  }
}
