import type { Pki } from '../pki.ts'

/** What every part needs to build its command line. */
export interface PartContext {
  readonly dataDir: string
  readonly pki: Pki
  /** Environment of the servers: ours, without what would change their behaviour. */
  readonly env: NodeJS.ProcessEnv
  logPath(name: string): string
}
