import { spawnChild, type ChildResult } from '../../clients/spawn.ts'
import { cleanText } from '../../clean-text.ts'
import { CertloomError } from '../../failure.ts'
import type { FailureCode } from '../../../workflows/domain/failures.ts'
import type { CallContext, ProviderDeps } from '../provider.ts'
import { findPlugin } from './plugin-file.ts'
import { secretParts } from './secret-parts.ts'

export type PluginCommand = 'CREATE' | 'DELETE'

export interface PluginRun {
  command: PluginCommand
  plugin: string
  domain: string
  /** With a trailing dot. */
  fqdn: string
  /** The content of the TXT record. */
  value: string
  /** The plugin's configuration, from a Secret. */
  stdin: Buffer
  timeoutSeconds: number
}

const STDERR_BYTES = 16 * 1024
const exitCodes: Partial<Record<number, FailureCode>> = {
  2: 'PluginConfigInvalid',
  3: 'PluginVersionUnsupported',
}

/**
 * Runs a plugin once, as the DNS-01 exec contract says: no arguments, exactly five environment variables, configuration
 * on stdin, exit codes 0 to 3. Throws a CertloomError with the first line of stderr, or the signal's reason.
 */
export async function runPlugin(run: PluginRun, deps: ProviderDeps, call: CallContext): Promise<void> {
  const file = await findPlugin(deps.pluginDirectory, run.plugin)
  const child = await spawnChild({
    file: file.path,
    argv0: file.argv0,
    env: { APIVERSION: 'v1', COMMAND: run.command, DOMAIN: run.domain, FQDN: run.fqdn, TOKEN: run.value },
    // Always there, and nothing of the worker can be found relative to it.
    cwd: '/',
    stdin: run.stdin,
    timeoutMs: run.timeoutSeconds * 1000,
    graceMs: deps.pluginGraceMs,
    stderrLimit: STDERR_BYTES,
    signal: call.signal,
    heartbeat: () => call.heartbeat(),
  }).catch((error: unknown) => {
    call.signal.throwIfAborted()
    throw startFailure(run.plugin, error)
  })
  const failure = outcome(run, child)
  if (failure === undefined) return
  const said = firstLine(child.stderr, run.stdin)
  const text = said === '' ? ' and said nothing on stderr' : `: ${said}`
  throw new CertloomError(failure.code, `plugin "${run.plugin}" ${failure.text}${text}`)
}

function outcome(run: PluginRun, child: ChildResult): { code: FailureCode; text: string } | undefined {
  const { command, timeoutSeconds } = run
  if (child.timedOut)
    return { code: 'PluginTimedOut', text: `ran ${command} for more than ${timeoutSeconds} s` }
  if (child.exitCode === 0) return undefined
  if (child.exitCode === null)
    return { code: 'PluginFailed', text: `was ended by ${child.signal} at ${command}` }
  return {
    code: exitCodes[child.exitCode] ?? 'PluginFailed',
    text: `ended ${command} with exit code ${child.exitCode}`,
  }
}

/** The plugin was there a moment ago: what the system now says concerns the way it starts. */
function startFailure(plugin: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  if (typeof code !== 'string') return error
  const refused = (why: string) =>
    new CertloomError('PluginNotExecutable', `plugin "${plugin}" ${why}`, { cause: error })
  if (code === 'ENOENT') return refused('cannot be started: its interpreter or dynamic loader does not exist')
  if (code === 'EACCES' || code === 'EPERM') {
    return refused(
      `may not be executed (${code}): it or its interpreter lacks permission, or the volume is noexec`,
    )
  }
  if (code === 'ENOEXEC' || code === 'ELIBBAD') return refused(`is no program for this system (${code})`)
  return new CertloomError('PluginFailed', `plugin "${plugin}" could not be started (${code})`, {
    cause: error,
  })
}

function firstLine(stderr: ChildResult['stderr'], stdin: Buffer): string {
  const secrets = secretParts(stdin)
  const lines = stderr.bytes.toString('utf8').split(/\r\n|\r|\n/)
  const index = lines.findIndex((line) => line.trim() !== '')
  let line = lines[index] ?? ''
  if (stderr.truncated && index === lines.length - 1) {
    // The cap may have cut a secret in two, and half of one is not recognised: 3 is the length of a byte in a URL.
    line = line.slice(
      0,
      Math.max(0, line.length - 3 * Math.max(0, ...secrets.map((secret) => secret.length))),
    )
  }
  return cleanText(line, secrets)
}
