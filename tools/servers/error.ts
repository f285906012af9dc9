/** What the local servers throw: the message says what failed and what to do about it. */
export class ServersError extends Error {
  override readonly name = 'ServersError'
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export function isErrno(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
