import { AuditLog, isWrite, type ApiRequest } from '../../observe/audit-log.ts'
import { runCost, untilQuiet, type RunCost } from '../../observe/history.ts'
import type { AcmeProxy, AcmeRequest } from '../../observe/acme-proxy.ts'
import type { Arrivals } from '../arrivals.ts'
import { issue, renew } from '../certificates.ts'
import { newNamespace, type IssuerReference, type Site } from '../site.ts'
import type { Results } from '../results.ts'

export interface WritesSetup {
  readonly site: Site
  readonly arrivals: Arrivals
  readonly selfSigned: IssuerReference
  readonly ca: IssuerReference
  /** Its requests go through `proxy`, and nobody else's. */
  readonly acme: IssuerReference
  readonly proxy: AcmeProxy
  /** Certificates of each sort, issued one after the other. */
  readonly samples: number
}

/** What one issuance cost, counted. */
interface Cost {
  readonly writes: readonly ApiRequest[]
  readonly events: readonly ApiRequest[]
  readonly reads: number
  readonly run: RunCost
  readonly acme: readonly AcmeRequest[]
}

/**
 * Counts what one issuance costs: writes and events at the API server, requests at the CA, events in Temporal. Each
 * certificate is alone in its namespace, so everything that certloom does there is its.
 */
export async function countWrites(setup: WritesSetup, results: Results): Promise<void> {
  const { selfSigned, ca, acme } = setup
  // Directory, account and the first nonce are asked for once per process, not once per certificate.
  await several({ ...setup, samples: 1 }, 'warm-up', acme, ['one'])
  const sorts = {
    'self-signed': await several(setup, 'self-signed', selfSigned, ['one']),
    ca: await several(setup, 'ca', ca, ['one']),
    'ca-renewal': await several(setup, 'ca-renewal', ca, ['one'], 2),
    acme: await several(setup, 'acme', acme, ['one']),
    'acme-3-names': await several(setup, 'acme-3-names', acme, ['one', 'two', 'three']),
    // More names than the usual ones, where growth per name shows.
    'acme-25-names': await several({ ...setup, samples: 1 }, 'acme-25-names', acme, twentyFive),
    'apex-wildcard': await several(setup, 'apex-wildcard', acme, ['', '*']),
  }
  for (const [sort, costs] of Object.entries(sorts)) {
    const name = names[sort as keyof typeof sorts]
    addCounts(results, sort, name, costs)
    results.list(`API writes of ${name}`, writeList(costs[0]))
  }
  const further = (of: (cost: Cost) => number) =>
    (worst(sorts['acme-3-names'], of) - worst(sorts.acme, of)) / 2
  const add = (id: string, what: string, value: number, unit = '', scenario = 'writes') =>
    results.add({ scenario, id, what, value, unit })
  add('writes.further-name.writes', 'API writes, each further name', further(writesOf))
  add('writes.further-name.events', 'Kubernetes events, each further name', further(eventsOf))
  add('writes.refused', 'writes that the API server refused', refused(Object.values(sorts).flat()).length)
  addAcme(results, sorts.acme)
  for (const [sort, costs] of Object.entries(sorts)) {
    const name = names[sort as keyof typeof sorts]
    add(`history.${sort}`, `Temporal events, ${name}`, worst(costs, eventsInRun), '', 'history')
  }
  add('history.further-name', 'Temporal events, each further name', further(eventsInRun), '', 'history')
  const { 'acme-25-names': many, ...few } = sorts
  const payload = (costs: readonly Cost[]) => worst(costs, ({ run }) => run.largestPayload)
  add(
    'history.payload',
    'largest payload, up to three names',
    payload(Object.values(few).flat()),
    'B',
    'history',
  )
  add('history.payload-25-names', 'largest payload, 25 names', payload(many), 'B', 'history')
}

const names = {
  'self-signed': 'a selfSigned certificate',
  ca: 'a CA certificate',
  'ca-renewal': 'the renewal of a CA certificate',
  acme: 'an ACME certificate, one name',
  'acme-3-names': 'an ACME certificate, three names',
  'acme-25-names': 'an ACME certificate, 25 names',
  'apex-wildcard': 'an ACME certificate, apex and wildcard',
}

const twentyFive = Array.from({ length: 25 }, (_, index) => `n${index}`)

async function several(
  setup: WritesSetup,
  sort: string,
  issuer: IssuerReference,
  hosts: readonly string[],
  revision = 1,
): Promise<Cost[]> {
  const costs: Cost[] = []
  for (let sample = 0; sample < setup.samples; sample++)
    costs.push(await costOf(setup, sort, issuer, hosts, revision))
  return costs
}

async function costOf(
  { site, arrivals, proxy }: WritesSetup,
  sort: string,
  issuer: IssuerReference,
  hosts: readonly string[],
  revision: number,
): Promise<Cost> {
  const namespace = await newNamespace(site, sort)
  const dnsNames = hosts.map((host) => `${host === '' ? '' : `${host}.`}${namespace}.example.com`)
  const wish = { namespace, name: 'site', dnsNames, issuer }
  const workflowId = `certificate/${namespace}/site`
  let audit = await AuditLog.start(site.servers)
  const asked = proxy.requests.length
  await issue(site, arrivals, wish)
  await untilQuiet(site.temporal, workflowId)
  if (revision === 2) {
    audit = await AuditLog.start(site.servers)
    await renew(site, arrivals, wish, revision)
    await untilQuiet(site.temporal, workflowId)
  }
  const requests = (await audit.requests()).filter((request) => request.namespace === namespace)
  const written = requests.filter(isWrite)
  return {
    writes: written.filter(({ resource }) => resource !== 'events'),
    events: written.filter(({ resource }) => resource === 'events'),
    reads: requests.length - written.length,
    run: await runCost(site.temporal, workflowId),
    acme: proxy.requests.slice(asked),
  }
}

function addCounts(results: Results, sort: string, name: string, costs: readonly Cost[]): void {
  const add = (id: string, what: string, value: number) =>
    results.add({ scenario: 'writes', id: `writes.${sort}.${id}`, what: `${what}, ${name}`, value, unit: '' })
  add('writes', 'API writes', worst(costs, writesOf))
  add('events', 'Kubernetes events', worst(costs, eventsOf))
  add(
    'reads',
    'API reads',
    worst(costs, ({ reads }) => reads),
  )
}

/** Requests that a refused nonce made the client repeat are the CA's mood, and so are looks that came too early. */
function addAcme(results: Results, costs: readonly Cost[]): void {
  const requests = costs.flatMap(({ acme }) => acme)
  const fruitless = costs.flatMap(({ acme }) => acme.filter(isFruitless))
  const mean = (requests.length - fruitless.length) / costs.length
  results.add({
    scenario: 'acme',
    id: 'acme.requests',
    what: 'ACME requests, one name',
    value: mean,
    unit: '',
    beside: `${fruitless.length / costs.length} more for refused nonces and looks at what was still pending`,
  })
  results.list('ACME requests of a certificate with one name', tally(costs[0]?.acme.map(acmeLine) ?? []))
}

function isFruitless(request: AcmeRequest, index: number, all: readonly AcmeRequest[]): boolean {
  const { problem, state, payload, path } = request
  if (problem === 'badNonce') return true
  if (payload !== undefined) return false
  // The first look at an authorization is for its challenges.
  return (
    state === 'processing' || (state === 'pending' && all.slice(0, index).some((one) => one.path === path))
  )
}

function acmeLine({ method, path, state, problem, payload }: AcmeRequest): string {
  const resource = path.split('/')[1] ?? ''
  const how = method === 'POST' && payload === undefined ? 'POST-as-GET' : method
  const outcome = problem ?? state
  return `${how} ${resource}${outcome === undefined ? '' : ` (${outcome})`}`
}

function refused(costs: readonly Cost[]): ApiRequest[] {
  return costs.flatMap(({ writes, events }) => [...writes, ...events]).filter(({ code }) => code >= 400)
}

function writeList(cost: Cost | undefined): string[] {
  if (cost === undefined) return []
  const line = ({ verb, resource, code }: ApiRequest) =>
    `${verb} ${resource}${code >= 400 ? ` (refused: ${code})` : ''}`
  return tally([...cost.writes, ...cost.events].map(line))
}

/** Equal lines as one, with how often. */
function tally(lines: readonly string[]): string[] {
  const counts = new Map<string, number>()
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1)
  return [...counts].map(([line, times]) => `${times} × ${line}`)
}

const writesOf = ({ writes }: Cost) => writes.length
const eventsOf = ({ events }: Cost) => events.length
const eventsInRun = ({ run }: Cost) => run.events

function worst(costs: readonly Cost[], of: (cost: Cost) => number): number {
  return Math.max(...costs.map(of))
}
