import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PebbleFacts } from '../facts.ts'
import { httpsRequest } from '../https-request.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'

export interface PebbleProfile {
  readonly description: string
  /** Seconds. */
  readonly validityPeriod: number
}

/** How Pebble behaves; every default is the kind one except that 5 % of nonces are refused, as by Pebble itself. */
export interface PebbleOptions {
  /** Certificate profiles by name. Pebble takes a random one for an order that names none, so the default is one. */
  readonly profiles?: Readonly<Record<string, PebbleProfile>>
  /** Retry-After of pending authorizations and orders, seconds; 1 and 1 by default. */
  readonly retryAfter?: { readonly authz: number; readonly order: number }
  /** Validate at once instead of after up to 4 s; true by default. */
  readonly noSleep?: boolean
  /** Percentage of good nonces that are refused; 5 by default. */
  readonly nonceReject?: number
  /** Percentage of valid authorizations that are used again; 0 by default, at which Pebble still reuses 1 %. */
  readonly authzReuse?: number
  /** Accept every challenge without looking; false by default. */
  readonly alwaysValid?: boolean
  readonly alternateRoots?: number
  /** Intermediates between leaf and root; 1 by default. */
  readonly chainLength?: number
  readonly strict?: boolean
  readonly keyAlgorithm?: 'rsa' | 'ecdsa'
  readonly externalAccountBindingRequired?: boolean
  /** MAC keys, base64url, by key id. */
  readonly externalAccountMACKeys?: Readonly<Record<string, string>>
  readonly domainBlocklist?: readonly string[]
  readonly caaIdentities?: readonly string[]
  /** host:port to ask over TCP; the `dns` part of the same servers by default, else the system's resolver. */
  readonly dnsServer?: string
  /** Ports on which challenges are looked for; free ones by default. */
  readonly httpPort?: number
  readonly tlsPort?: number
}

export interface PebblePorts {
  readonly acme: number
  readonly management: number
  readonly http: number
  readonly tls: number
}

export function pebbleFacts(context: PartContext, ports: PebblePorts): PebbleFacts {
  return {
    directoryUrl: `https://127.0.0.1:${ports.acme}/dir`,
    managementUrl: `https://127.0.0.1:${ports.management}`,
    caPem: context.pki.caPem,
    httpPort: ports.http,
    tlsPort: ports.tls,
    httpLogPath: context.logPath('pebble'),
  }
}

export async function pebble(
  context: PartContext,
  program: string,
  facts: PebbleFacts,
  ports: PebblePorts,
  options: PebbleOptions,
): Promise<ProcessDefinition> {
  const config = join(context.dataDir, 'pebble.json')
  await writeFile(config, JSON.stringify({ pebble: configOf(context, ports, options) }, null, 2), {
    mode: 0o600,
  })
  const dns = options.dnsServer ? ['-dnsserver', options.dnsServer] : []
  return {
    name: 'pebble',
    // It keeps everything in memory: a restart forgets accounts, orders and its root.
    data: [],
    graceMs: 1_000,
    line: {
      command: program,
      args: ['-config', config, ...dns, ...(options.strict ? ['-strict'] : [])],
      env: { ...context.env, ...environmentOf(options) },
      cwd: context.dataDir,
      log: context.logPath('pebble'),
    },
    async ready() {
      const directory = await httpsRequest(facts.directoryUrl, {
        ca: facts.caPem,
        headers: { 'user-agent': 'certloom-servers' },
      })
      return directory.status === 200 && (await pebbleRoot(facts)).includes('BEGIN CERTIFICATE')
    },
  }
}

/** PEM of the root that Pebble issues under; another one after each of its starts. */
export async function pebbleRoot(facts: PebbleFacts, index = 0): Promise<string> {
  const { status, body } = await httpsRequest(`${facts.managementUrl}/roots/${index}`, {
    ca: facts.caPem,
    headers: { 'user-agent': 'certloom-servers' },
  })
  if (status !== 200) throw new Error(`Pebble answers ${status} for its root ${index}`)
  return body
}

function configOf(context: PartContext, ports: PebblePorts, options: PebbleOptions) {
  const ninetyDays = 90 * 24 * 60 * 60
  return {
    listenAddress: `127.0.0.1:${ports.acme}`,
    managementListenAddress: `127.0.0.1:${ports.management}`,
    certificate: context.pki.server.cert,
    privateKey: context.pki.server.key,
    httpPort: ports.http,
    tlsPort: ports.tls,
    ocspResponderURL: '',
    keyAlgorithm: options.keyAlgorithm ?? 'ecdsa',
    profiles: options.profiles ?? { default: { description: 'ninety days', validityPeriod: ninetyDays } },
    retryAfter: options.retryAfter ?? { authz: 1, order: 1 },
    externalAccountBindingRequired: options.externalAccountBindingRequired ?? false,
    externalAccountMACKeys: options.externalAccountMACKeys ?? {},
    domainBlocklist: options.domainBlocklist ?? [],
    caaIdentities: options.caaIdentities ?? [],
  }
}

function environmentOf(options: PebbleOptions): NodeJS.ProcessEnv {
  return {
    PEBBLE_VA_NOSLEEP: (options.noSleep ?? true) ? '1' : '0',
    PEBBLE_VA_ALWAYS_VALID: options.alwaysValid ? '1' : '0',
    PEBBLE_WFE_NONCEREJECT: String(options.nonceReject ?? 5),
    PEBBLE_AUTHZREUSE: String(options.authzReuse ?? 0),
    PEBBLE_ALTERNATE_ROOTS: String(options.alternateRoots ?? 0),
    PEBBLE_CHAIN_LENGTH: String(options.chainLength ?? 1),
  }
}
