import { CancellationScope, isCancellation } from '@temporalio/workflow'

/**
 * Runs all side by side. The first that fails stops the rest, whose work would be thrown away; the error comes out
 * when none of them runs any more, so that nothing is undone which is still being done.
 */
export async function together(tasks: readonly (() => Promise<void>)[]): Promise<void> {
  await CancellationScope.cancellable(async () => {
    const scope = CancellationScope.current()
    const running = tasks.map((task) => task())
    for (const one of running) one.catch(() => scope.cancel())
    const failed = (await Promise.allSettled(running)).filter((result) => result.status === 'rejected')
    const first = failed.find((result) => !isCancellation(result.reason)) ?? failed[0]
    if (first !== undefined) throw first.reason
  })
}
