/**
 * A key, request or certificate that cannot be read. The message names what is wrong and never holds a part of the
 * input: callers may show it, after saying where the input came from.
 */
export class X509Error extends Error {
  override readonly name = 'X509Error'
}
