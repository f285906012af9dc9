import { whenLauncherDies } from '../servers/launcher.ts'

/**
 * Aborts at Ctrl-C, at an orderly end from outside, and when the launcher is gone. A second Ctrl-C ends this process at
 * once; the local servers end with it.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  let since = 0
  const abort = () => {
    // One Ctrl-C may come twice: from the terminal and from whoever started us.
    if (controller.signal.aborted && performance.now() - since > 1000) process.exit(130)
    if (controller.signal.aborted) return
    since = performance.now()
    process.stderr.write('\ninterrupted: ending tests and servers\n')
    controller.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, abort)
  // Whoever read what we print has gone (`npm test | head`): nobody wants the rest.
  process.stdout.on('error', () => controller.abort())
  whenLauncherDies(abort)
  return controller.signal
}
