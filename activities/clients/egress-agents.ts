import { createHash, X509Certificate } from 'node:crypto'
import { Agent } from 'undici'
import { CertloomError } from '../failure.ts'
import { connectLookup, type HostLookup } from './egress-lookup.ts'

export interface AgentKey {
  caPem: string | undefined
  insecureSkipVerify: boolean
  /** Whether addresses are checked: a connection made without the check must not serve a request that needs it. */
  checked: boolean
}

/** Trust settings in use at the same time; each keeps its own idle connections. */
const CAPACITY = 32

/** Agents by trust and policy, the least recently used dropped first. */
export class AgentCache {
  readonly #lookup: HostLookup
  readonly #agents = new Map<string, Agent>()

  constructor(lookup: HostLookup) {
    this.#lookup = lookup
  }

  /** @throws CertloomError InvalidSpec when the bundle is not PEM. */
  get(key: AgentKey): Agent {
    const trust = key.caPem === undefined ? 'system' : createHash('sha256').update(key.caPem).digest('hex')
    const id = `${trust} ${key.insecureSkipVerify} ${key.checked}`
    let agent = this.#agents.get(id)
    if (agent === undefined) {
      if (key.caPem !== undefined) requireCertificates(key.caPem)
      agent = newAgent(key, this.#lookup)
    }
    this.#agents.delete(id)
    this.#agents.set(id, agent)
    this.#evict()
    return agent
  }

  #evict(): void {
    const [oldest] = this.#agents
    if (this.#agents.size <= CAPACITY || oldest === undefined) return
    this.#agents.delete(oldest[0])
    // Requests in flight are finished first.
    void oldest[1].close().catch(() => oldest[1].destroy())
  }

  async close(): Promise<void> {
    const agents = [...this.#agents.values()]
    this.#agents.clear()
    await Promise.all(agents.map((agent) => agent.destroy()))
  }
}

function newAgent({ caPem, insecureSkipVerify, checked }: AgentKey, lookup: HostLookup): Agent {
  return new Agent({
    // ACME gains nothing from HTTP/2 at a few requests each, and HTTP/1.1 is what every small CA serves.
    allowH2: false,
    connect: {
      ...(caPem === undefined ? {} : { ca: caPem }),
      rejectUnauthorized: !insecureSkipVerify,
      lookup: connectLookup(lookup, checked),
    },
  })
}

// Node takes a bundle without a certificate silently, and then trusts nobody.
function requireCertificates(pem: string): void {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  try {
    if (blocks.length === 0) throw new RangeError('no certificate')
    blocks.forEach((block) => new X509Certificate(block))
  } catch (error) {
    throw new CertloomError('InvalidSpec', 'spec.acme.caBundle: holds no readable PEM certificate', {
      cause: error,
    })
  }
}
