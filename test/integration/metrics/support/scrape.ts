import { request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Answer {
  status: number
  text: string
}

export async function ask(address: string, path: string, method = 'GET'): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  const sent = request(`http://${address}${path}`, { method, agent: false, timeout: 10_000 }, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, text: body }), reject)
  })
  sent.on('timeout', () => sent.destroy(new Error(`${address}${path} does not answer`)))
  sent.on('error', reject)
  sent.end()
  return promise
}

export interface Series {
  name: string
  labels: Record<string, string>
  value: number
}

/** What a process serves at /metrics, read as Prometheus does. */
export class Scrape {
  readonly series: readonly Series[]
  /** Type by name of the metric. */
  readonly types: ReadonlyMap<string, string>

  constructor(exposition: string) {
    const lines = exposition.split('\n')
    this.types = new Map(
      lines
        .map((line) => /^# TYPE (\S+) (\S+)$/.exec(line))
        .filter((found) => found !== null)
        .map(([, name = '', type = '']) => [name, type]),
    )
    this.series = lines.filter((line) => line !== '' && !line.startsWith('#')).map(parse)
  }

  static async of(address: string): Promise<Scrape> {
    const { status, text: body } = await ask(address, '/metrics')
    if (status !== 200) throw new Error(`/metrics: ${status} ${body}`)
    return new Scrape(body)
  }

  /** Series of that name whose labels are, among others, these. */
  find(name: string, labels: Record<string, string> = {}): Series[] {
    return this.series.filter(
      (one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    )
  }

  /** The sum of what `find` finds; undefined where there is nothing. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.find(name, labels)
    return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0)
  }
}

function parse(line: string): Series {
  const [, name = '', labels = '', value = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
  if (name === '') throw new Error(`no series: ${line}`)
  const pairs = [...labels.matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/g)]
  return {
    name,
    labels: Object.fromEntries(
      pairs.map(([, key = '', text = '']) => [
        key,
        text.replaceAll(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one)),
      ]),
    ),
    value: value === '+Inf' ? Infinity : Number(value),
  }
}
