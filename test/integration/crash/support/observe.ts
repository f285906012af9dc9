import { readdir, readFile } from 'node:fs/promises'
import type { Certificate } from '../../../../k8s-bridge/api/certificate.ts'
import { payloadSizes } from '../../../../tools/observe/history.ts'
import { txtRecords } from '../../acme/support/acme-world.ts'
import { certificateId, runsOf } from '../../certificate/support/operator.ts'
import type { AnyObject } from '../../support/world.ts'
import type { Cell } from './cells.ts'
import { atCa } from './ca-log.ts'
import { pipesOf } from './pipes.ts'
import type { CellObservation, Observation, RunFigures } from './observation.ts'
import { isCellQuiet, openWorkflows } from './settled.ts'
import type { Stage } from './stage.ts'
import { zoneOf } from './zone.ts'

/** Looks at everything from outside: API server, CA, name servers, process table, Temporal. */
export async function observe(stage: Stage): Promise<Observation> {
  const [certificates, secrets, challenges, children, zone, open, pipes] = await Promise.all([
    stage.list<Certificate>('Certificate'),
    stage.list('Secret'),
    stage.list('Challenge'),
    pluginCalls(),
    zoneOf(stage.world, stage.site),
    openWorkflows(stage),
    pipesOf(stage.worker.pid),
  ])
  const at = Date.now()
  const blind = await stage.endWatches()
  const cells: CellObservation[] = []
  for (const cell of stage.cells) {
    const { name } = cell
    const domain = stage.domain(name)
    const ofCell = (one: AnyObject) => one.metadata.name === name || one.metadata.name.startsWith(`${name}-`)
    cells.push({
      cell,
      names: stage.names(name),
      held: stage.wasHeld(cell),
      certificate: certificates.find(({ metadata }) => metadata.name === name),
      secret: secrets.find(({ metadata }) => metadata.name === `${name}-tls`),
      secretVersions: stage.watches
        .versions('Secret')
        .filter(({ object }) => object.metadata.name === `${name}-tls`),
      certificateVersions: stage.watches
        .versions('Certificate')
        .filter(({ object }) => object.metadata.name === name),
      requestVersions: stage.watches.versions('CertificateRequest').filter(({ object }) => ofCell(object)),
      ...atCa(stage.site.proxy.requests, domain),
      keys: keysMade(stage, ofCell),
      temporarySecrets: secrets.filter((one) => ofCell(one) && isNextKey(one)),
      challenges: challenges.filter(({ spec }) => (spec as { dnsName: string }).dnsName.endsWith(domain)),
      records: (await Promise.all([domain, `edited.${domain}`].map((one) => recordsOf(stage, one)))).flat(),
      children: children.filter(({ fqdn }) => fqdn.includes(domain)).map(({ pid }) => pid),
      runs: await runFigures(stage, cell),
      isQuiet: await isCellQuiet(stage, name).catch(() => false),
      openWorkflows: open.filter((id) => id.includes(domain) || id === certificateId(stage.namespace, name)),
    })
  }
  const changed = [
    ...zone.filter((one) => !stage.zoneBefore.includes(one)).map((one) => `more: ${one}`),
    ...stage.zoneBefore.filter((one) => !zone.includes(one)).map((one) => `less: ${one}`),
  ]
  return {
    ...{ killer: stage.killer, at, roots: stage.roots, cells, zoneChanges: changed, blind },
    pipes: { before: stage.pipesBefore, now: pipes },
  }
}

function recordsOf(stage: Stage, domain: string): Promise<string[]> {
  return txtRecords(stage.world, `_acme-challenge.${domain}`)
}

function isNextKey({ metadata }: AnyObject): boolean {
  return (
    (metadata['labels'] as Record<string, string> | undefined)?.['cert-manager.io/next-private-key'] ===
    'true'
  )
}

function keysMade({ watches }: Stage, isOfCell: (one: AnyObject) => boolean): number {
  const keys = watches.versions('Secret').filter(({ object }) => isNextKey(object) && isOfCell(object))
  return new Set(keys.map(({ object }) => object.metadata.uid)).size
}

async function runFigures(stage: Stage, { name }: Cell): Promise<RunFigures[]> {
  const id = certificateId(stage.namespace, name)
  const figures: RunFigures[] = []
  for (const { runId } of await runsOf(stage.world, id)) {
    const history = await stage.world.temporal.workflow.getHandle(id, runId).fetchHistory()
    figures.push({
      runId,
      events: history.events?.length ?? 0,
      largestPayload: Math.max(0, ...payloadSizes(history)),
    })
  }
  return figures
}

/** Calls of exec plugins among the processes of this machine, by the name that they were asked to serve. */
async function pluginCalls(): Promise<{ pid: number; fqdn: string }[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const calls = await Promise.all(
    pids.map(async (pid) => {
      // A process may end while we look at it, and those of others cannot be read.
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8').catch(() => '')
      const fqdn = environment.split('\0').find((one) => one.startsWith('FQDN='))
      return fqdn === undefined ? [] : [{ pid: Number(pid), fqdn: fqdn.slice('FQDN='.length) }]
    }),
  )
  return calls.flat()
}
