import { single } from '../k8s-bridge/metrics/family.ts'
import type { MetricRegistry } from './telemetry/registry.ts'

/** Adds what a worker serves besides what its steps and the Temporal SDK tell. */
export function workerMetrics(
  registry: MetricRegistry,
  worker: { readonly polling: boolean },
  mayWrite: () => boolean,
): void {
  registry.add(
    single('certloom_worker_polling', 'Whether the workers of this process poll Temporal.', () =>
      Number(worker.polling),
    ),
    single(
      'certloom_worker_may_write',
      'Whether certloom is known to hold the Lease: only then do workers poll and write.',
      () => Number(mayWrite()),
    ),
  )
}
