/**
 * Calls back once when the launcher (tools/node24.mjs) that started this very process is gone, however it died; never
 * when this process was started in another way. Returns what stops the watching.
 */
export function whenLauncherDies(callback: () => void): () => void {
  const launcher = Number(process.env.CERTLOOM_LAUNCHER)
  if (!launcher || process.ppid !== launcher) return () => undefined
  // Its death shows only as another parent: there is no event for it.
  const timer = setInterval(() => {
    if (process.ppid === launcher) return
    clearInterval(timer)
    callback()
  }, 500)
  timer.unref()
  return () => clearInterval(timer)
}
