import { patched, sleep } from '@temporalio/workflow'
import { certificate as before } from '../../../workflows/certificate.ts'
import type { CertificateInput } from '../../../workflows/messages.ts'

export * from '../../../workflows/index.ts'

/** The same step behind `patched`: runs that began without it go on without it, new ones have it. */
export async function certificate(input: CertificateInput): Promise<void> {
  if (patched('2026-12-first-look')) await sleep(1_000, { summary: 'a step that was added' })
  await before(input)
}
