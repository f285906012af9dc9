import { bridgeMetrics } from '../../workers/bridge-metrics.ts'
import type { MetricDescription } from '../../workers/telemetry/registry.ts'
import { Telemetry } from '../../workers/telemetry/telemetry.ts'
import { workerMetrics } from '../../workers/worker-metrics.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const store = {
  size: 0,
  get: () => undefined,
  list: () => [],
  keys: () => new Map<string, never>().keys(),
  byIndex: () => [],
}
const quiet = { rung: 0, skipped: 0, failed: 0 }
const bridge = {
  stores: { certificates: store, issuers: store, clusterIssuers: store, challenges: store },
  doorbells: { Certificate: quiet, Issuer: quiet, ClusterIssuer: quiet },
  troubled: new Map<string, number>(),
  waiting: 0,
  compared: false,
  informers: () => [],
}

/** All metrics that `certloom all` serves, as its registry describes them, by who serves them. */
export function servedMetrics(): {
  both: MetricDescription[]
  worker: MetricDescription[]
  bridge: MetricDescription[]
} {
  const { registry } = new Telemetry(silent, '')
  const process = registry.descriptions.length
  workerMetrics(registry, { polling: false }, () => false)
  const worker = registry.descriptions.length
  bridgeMetrics(registry, bridge, { isHolder: () => false }, silent)
  const all = registry.descriptions
  const ofBridge = [...all.slice(worker), ...all.filter(({ name }) => name.includes('issuance'))]
  const ofBoth = all.slice(0, process).filter(({ name }) => name.includes('build_info'))
  const ofWorker = all.slice(0, worker).filter((one) => !ofBridge.includes(one) && !ofBoth.includes(one))
  return { both: ofBoth, worker: ofWorker, bridge: ofBridge }
}

const markers = { begin: '<!-- generated: metrics -->', end: '<!-- end of generated -->' }

/** The page with its tables made anew; the text around them is written by hand. */
export function metricsPage(page: string): string {
  const [before = '', rest = ''] = page.split(`${markers.begin}\n`)
  const [, after = ''] = rest.split(markers.end)
  const { both, worker, bridge } = servedMetrics()
  const upstream = ({ name }: MetricDescription) => name.startsWith('certmanager_')
  const own = (one: MetricDescription) => !upstream(one)
  const tables = [
    ...table("cert-manager's, from the bridge", bridge.filter(upstream)),
    ...table("cert-manager's, from workers", worker.filter(upstream)),
    ...table('From the bridge', bridge.filter(own)),
    ...table('From workers', worker.filter(own)),
    ...table('From both', both),
  ]
  return [before + markers.begin, '', ...tables, markers.end + after].join('\n')
}

function table(heading: string, metrics: readonly MetricDescription[]): string[] {
  const rows = metrics.map(({ name, type, labels, help }) => {
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`
  })
  return [`### ${heading}`, '', '| metric | type | labels | meaning |', '|---|---|---|---|', ...rows, '']
}
