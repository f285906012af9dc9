import { sleep } from '@temporalio/workflow'
import { certificate as before } from '../../../workflows/certificate.ts'
import type { CertificateInput } from '../../../workflows/messages.ts'

export * from '../../../workflows/index.ts'

/** A certificate with one step more, added without `patched`: no run that is open can go on with it. */
export async function certificate(input: CertificateInput): Promise<void> {
  await sleep(1_000, { summary: 'a step that was added' })
  await before(input)
}
