/** What the bridge logs to; pino's shape, facts first. Facts never contain objects of the cluster whole. */
export interface Logger {
  debug(facts: object, message: string): void
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

/** What a log line tells of an error: its message, without a stack where it is only one of many. */
export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
