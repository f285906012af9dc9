import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { WorkflowHandle } from '@temporalio/client'
import proto from '@temporalio/proto'
import { apiPath, type Kind } from '../../../../k8s-bridge/api/kinds.ts'
import { inPool } from '../../../../tools/check/pool.ts'
import type { Servers } from '../../../../tools/servers/handle.ts'
import type { World } from '../../support/world.ts'
import type { Hit, Marks } from './marks.ts'

/** Where a secret must not be, with everything that stands there now. */
export interface Place {
  name: string
  read(): AsyncIterable<{ name: string; bytes: Buffer }>
}

/** How much was looked through, by place. */
export interface Searched {
  name: string
  parts: number
  bytes: number
  hits: Hit[]
}

/** Runs that are asked for at a time. */
const AT_A_TIME = 20

const kinds: Kind[] = [
  'Certificate',
  'CertificateRequest',
  'Order',
  'Challenge',
  'Issuer',
  'ClusterIssuer',
  'Event',
]

/** The histories of all runs of all workflows, or of those with one of these ids, as Temporal hands them out. */
export function histories(world: World, ids?: readonly string[]): Place {
  const { History } = proto.temporal.api.history.v1
  return ofRuns('histories', world, ids, async (run) => History.encode(await run.fetchHistory()).finish())
}

/** What Temporal shows of workflows besides: memo, search attributes, pending activities with their last failure. */
export function descriptions(world: World, ids?: readonly string[]): Place {
  const message = proto.temporal.api.workflowservice.v1.DescribeWorkflowExecutionResponse
  return ofRuns('descriptions of workflows', world, ids, async (run) =>
    message.encode((await run.describe()).raw).finish(),
  )
}

/** Every run in Temporal, those that other test files left among them, or those under some ids. */
function ofRuns(
  name: string,
  { temporal: { workflow } }: World,
  ids: readonly string[] | undefined,
  read: (run: WorkflowHandle) => Promise<Uint8Array>,
): Place {
  const query = ids === undefined ? undefined : `WorkflowId IN (${ids.map((id) => `"${id}"`).join(', ')})`
  return {
    name,
    async *read() {
      const runs: { workflowId: string; runId: string }[] = []
      for await (const run of workflow.list({ pageSize: 500, query })) runs.push(run)
      yield* await inPool(runs, AT_A_TIME, async ({ workflowId, runId }) => ({
        name: `${workflowId} ${runId}`,
        bytes: Buffer.from(await read(workflow.getHandle(workflowId, runId))),
      }))
    },
  }
}

/** Temporal's SQLite file with its write-ahead log, byte by byte: what was deleted may still be there. */
export function database(world: World): Place {
  const { dbFile } = world.servers.temporal
  return files('SQLite', () => Promise.resolve([dbFile, `${dbFile}-wal`, `${dbFile}-shm`]))
}

/** What the controllers have written. */
export function controllerLogs(world: World): Place {
  return files('logs of controllers', async () => {
    const names = await readdir(world.logs)
    return names.filter((name) => name.endsWith('.log')).map((name) => join(world.logs, name))
  })
}

/** Logs of the API server with its audit, of its controllers and store, and of Temporal. */
export function serverLogs({ servers }: World): Place {
  const { auditLogPath } = servers.kubernetes
  const names = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'temporal'] as const
  const paths = names.map((name) => servers.process(name).logPath)
  return files('logs of API server and Temporal', () =>
    Promise.resolve([...paths, ...(auditLogPath === undefined ? [] : [auditLogPath])]),
  )
}

/** What the DNS servers wrote of themselves, every query, answer and change. */
export function dnsLogs({ servers }: World): Place {
  const { logPath } = servers.process('dns')
  return files('logs of the DNS servers', () =>
    Promise.resolve([logPath, join(dirname(logPath), 'dns-queries.log')]),
  )
}

/** What ACME servers write of every request. */
export function acmeLogs(servers: readonly Servers[]): Place {
  return files('logs of Pebble', () => Promise.resolve(servers.map(({ pebble }) => pebble.httpLogPath)))
}

/** What a process tells Prometheus now. */
export function metrics(name: string, url: () => string): Place {
  return {
    name: `metrics of ${name}`,
    async *read() {
      const answer = await fetch(url(), { signal: AbortSignal.timeout(30_000) })
      if (!answer.ok) throw new Error(`${url()} answers ${answer.status}`)
      yield { name: url(), bytes: Buffer.from(await answer.arrayBuffer()) }
    },
  }
}

/** Objects of the cluster whole, Secrets excepted: status, events, annotations. */
export function objects(world: World): Place {
  return {
    name: 'objects and events',
    async *read() {
      for (const kind of kinds) {
        const { items } = await world.kubernetes.list<{ metadata: { name: string } }>(apiPath(kind))
        for (const item of items)
          yield { name: `${kind} ${item.metadata.name}`, bytes: Buffer.from(JSON.stringify(item)) }
      }
    },
  }
}

/** Environment and command line of processes, as `/proc` shows them. */
export function processes(name: string, pids: () => readonly number[]): Place {
  return {
    name,
    async *read() {
      for (const pid of pids())
        for (const file of ['environ', 'cmdline'])
          yield { name: `${pid} ${file}`, bytes: await readFile(`/proc/${pid}/${file}`) }
    },
  }
}

export function files(name: string, paths: () => Promise<string[]>): Place {
  return {
    name,
    async *read() {
      for (const path of await paths()) {
        const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error
        })
        if (bytes !== undefined) yield { name: path, bytes }
      }
    },
  }
}

export async function search(marks: Marks, places: readonly Place[]): Promise<Searched[]> {
  const all: Searched[] = []
  for (const place of places) {
    const searched: Searched = { name: place.name, parts: 0, bytes: 0, hits: [] }
    for await (const { name, bytes } of place.read()) {
      searched.parts += 1
      searched.bytes += bytes.length
      searched.hits.push(...marks.search(`${place.name}: ${name}`, bytes))
    }
    all.push(searched)
  }
  return all
}

export function table(searched: readonly Searched[]): string {
  return searched
    .map(
      ({ name, parts, bytes, hits }) =>
        `${name}: ${hits.length} hits in ${parts} parts, ${(bytes / 1e6).toFixed(2)} MB`,
    )
    .join('\n')
}

/** Hits in words, without what was found. */
export function words(searched: readonly Searched[]): string[] {
  return searched.flatMap(({ hits }) =>
    hits.map(({ place, secret, form }) => `${place}: ${secret} (${form})`),
  )
}
