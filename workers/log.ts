import pino from 'pino'
import type { Logger } from '../activities/deps.ts'
import { redactJson } from '../activities/secrets/redact.ts'

/**
 * JSON lines on stderr. Facts never hold objects of the cluster whole; a line that would show key material or a secret
 * that this process has read is written with "[secret]" in its place.
 */
export function createLogger(level: string, role: string, destination = pino.destination(2)): Logger {
  return pino(
    {
      level,
      base: { role },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: (line) => redactJson(line) },
    },
    destination,
  )
}
