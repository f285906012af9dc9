import { CancellationScope } from '@temporalio/workflow'
import { CertificateRun } from './certificate-run.ts'
import type { CertificateInput } from './messages.ts'

/**
 * The life of one Certificate: look, decide, act, wait. One run tells one revision: how the certificate in use came
 * to be, then the quiet wait until its renewal. The run ends only when the object is gone.
 */
export async function certificate(input: CertificateInput): Promise<void> {
  const root = CancellationScope.current()
  const run = new CertificateRun(input)
  // A cancel gives up the attempt, not the certificate: the loop lives outside the scope that the request cancels.
  root.cancelRequested.catch(() => run.cancel())
  await CancellationScope.nonCancellable(() => run.live())
}
