import pino from 'pino'
import type { Logger } from '../activities/deps.ts'

/** JSON lines on stderr. Facts never hold objects of the cluster whole. */
export function createLogger(level: string, role: string): Logger {
  return pino({ level, base: { role }, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2))
}
