import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { WorkflowNotFoundError } from '@temporalio/client'
import { statusQuery, type StatusAnswer } from '../../workflows/messages.ts'
import { applyManifest, readManifests } from '../demo/manifests.ts'
import { ScreenshotsError } from './error.ts'
import type { Stage } from './stage.ts'

export const workflows = {
  good: 'certificate/demo/site',
  failing: 'certificate/demo/shop',
  waiting: 'certificate/demo/blog',
} as const

const LIMIT_MS = 120_000
const LOOK_AGAIN_MS = 200

/** Brings the three certificates into the state that their pictures show. */
export async function playScenes(stage: Stage, signal: AbortSignal): Promise<void> {
  const files = (name: string) => fileURLToPath(new URL(`../../examples/demo/${name}`, import.meta.url))
  await apply(stage, files('cluster-issuer.yaml'))
  await apply(stage, files('certificate.yaml'))
  await until(stage, signal, workflows.good, ({ phase }) => phase === 'Waiting')
  await holdBack(stage, signal)
  await apply(stage, fileURLToPath(new URL('manifests.yaml', import.meta.url)))
  await until(stage, signal, workflows.failing, ({ phase }) => phase === 'Blocked')
  await until(stage, signal, workflows.waiting, ({ finding }) => finding.includes('looked'))
}

async function apply({ kubernetes, servers }: Stage, file: string): Promise<void> {
  const manifests = await readManifests(file, {
    ACME_DIRECTORY: servers.pebble.directoryUrl,
    ACME_CA_BUNDLE: Buffer.from(servers.pebble.caPem).toString('base64'),
    DNS_CONTROL_URL: servers.dns.controlUrl,
  })
  for (const manifest of manifests) await applyManifest(kubernetes, manifest)
}

/** From now on the second name server shows no change. */
async function holdBack({ servers }: Stage, signal: AbortSignal): Promise<void> {
  const response = await fetch(`${servers.dns.controlUrl}/servers/2`, {
    method: 'POST',
    body: JSON.stringify({ mode: 'hold' }),
    signal,
  })
  if (!response.ok) throw new ScreenshotsError(`the name servers answered ${response.status}`)
}

async function until(
  { temporal }: Stage,
  signal: AbortSignal,
  workflowId: string,
  fact: (status: StatusAnswer) => boolean,
): Promise<void> {
  const end = Date.now() + LIMIT_MS
  for (;;) {
    const status = await temporal.workflow
      .getHandle(workflowId)
      .query(statusQuery)
      .catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return undefined
        throw error
      })
    if (status !== undefined && fact(status)) return
    if (Date.now() > end)
      throw new ScreenshotsError(`${workflowId} did not get there in two minutes: ${JSON.stringify(status)}`)
    await delay(LOOK_AGAIN_MS, undefined, { signal })
  }
}
