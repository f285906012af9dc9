import type { CommandLine, Supervisor } from './supervisor.ts'
import { logTail } from './log-tail.ts'
import { ServersError } from './error.ts'

/**
 * Runs a command to its end under the supervisor, so that a long build does not outlive us.
 * @throws ServersError with the last lines of the log and its path when it fails or is aborted.
 */
export async function runLogged(
  supervisor: Supervisor,
  line: CommandLine,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  const child = await supervisor.start(line)
  const abort = () => void supervisor.signal(child.pid, 'SIGTERM').catch(() => undefined)
  signal?.addEventListener('abort', abort, { once: true })
  const { code, signal: killedBy } = await child.exited
  signal?.removeEventListener('abort', abort)
  signal?.throwIfAborted()
  if (code === 0) return
  const how = killedBy ? `was ended by ${killedBy}` : `failed with exit code ${code}`
  throw new ServersError(
    `${line.command} ${line.args[0] ?? ''} ${how}; the log is ${line.log}\n${await logTail(line.log)}`,
  )
}
