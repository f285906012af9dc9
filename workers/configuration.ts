import { isAbsolute } from 'node:path'
import { z } from 'zod'
import type { KubernetesOptions } from '../activities/clients/kubernetes.ts'
import { dnsConfig, type DnsConfig } from '../activities/dns/dns-config.ts'
import { ConnectionBlockError, parseConnectionBlock } from './connection-block.ts'

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)
const flag = z.enum(['true', 'false', '']).transform((text) => text === 'true')
const listener = z
  .string()
  .default('')
  .refine((text) => {
    const port = Number(/^(?:.*[^:]|\[.+\]|):(\d{1,5})$/.exec(text)?.[1] ?? Number.NaN)
    return text === '' || (port >= 1 && port <= 65_535)
  }, 'must be host:port, such as 0.0.0.0:9402 or [::]:9402')
const milliseconds = z.coerce.number().int().min(100)
const connection = z.string().transform((text, context) => {
  try {
    return parseConnectionBlock(text)
  } catch (error) {
    if (!(error instanceof ConnectionBlockError)) throw error
    context.addIssue({ code: 'custom', message: error.message })
    return z.NEVER
  }
})

/** Every setting of the processes: name in the environment, meaning, default. `npm run docs` writes them down. */
const variables = {
  KUBECONFIG: z
    .string()
    .optional()
    .describe('Path of a kubeconfig; without it ~/.kube/config or the service account.'),
  CERTLOOM_K8S_API: connection
    .optional()
    .describe(
      "The API server instead of KUBECONFIG: CoreDNS's block k8s_api { }, a line each: endpoint URL, tls CERT KEY CACERT, or kubeconfig FILE [CONTEXT].",
    ),
  TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233').describe('host:port of the Temporal frontend.'),
  TEMPORAL_NAMESPACE: z.string().default('certloom').describe('Temporal namespace, made by certloom setup.'),
  CERTLOOM_PAYLOAD_KEYS_FILE: z
    .string()
    .default('')
    .refine((path) => path === '' || isAbsolute(path), 'must be an absolute path')
    .describe(
      'Keys that encrypt what Temporal keeps, "<id> <base64>" a line, the first one encrypts; empty: none.',
    ),
  CERTLOOM_WORKFLOW_PREFIX: z
    .string()
    .default('')
    .describe('Before workflow ids and queue, where clusters share a namespace.'),
  CERTLOOM_CLUSTER_RESOURCE_NAMESPACE: z
    .string()
    .default('cert-manager')
    .describe('Where Secrets of ClusterIssuers are.'),
  CERTLOOM_NAMESPACE: z.string().default('cert-manager').describe('Where certloom keeps its own Secret.'),
  CERTLOOM_LEASE_NAMESPACE: z
    .string()
    .default('kube-system')
    .describe('Where the Lease cert-manager-controller is.'),
  CERTLOOM_PLUGIN_DIRECTORY: z
    .string()
    .default('/')
    .refine(isAbsolute, 'must be an absolute path')
    .describe('Directory of the exec plugins.'),
  CERTLOOM_APPROVE: flag.default(true).describe('false leaves the approval of requests to others.'),
  CERTLOOM_ALLOW_PRIVATE_ADDRESSES: flag
    .default(false)
    .describe(
      'true lets namespaced Issuers and zones lead to loopback and link-local addresses; for local servers.',
    ),
  CERTLOOM_ACME_EARLY_LOOKS: flag
    .default(true)
    .describe('false asks a CA no sooner than its Retry-After; true: twice within 0.3 s of our own request.'),
  CERTLOOM_DNS_RESOLVERS: list
    .optional()
    .describe('Resolvers as ip:port, comma-separated; default /etc/resolv.conf.'),
  CERTLOOM_DNS_RECURSIVE_ONLY: flag
    .default(false)
    .describe('true checks propagation at the resolvers alone.'),
  CERTLOOM_DNS_AUTHORITATIVE_PORT: z.coerce
    .number()
    .int()
    .default(53)
    .describe('Port of authoritative name servers.'),
  CERTLOOM_AUDIT_INTERVAL_MS: milliseconds
    .default(600_000)
    .describe('How often objects and open workflows are compared, in milliseconds.'),
  CERTLOOM_HEALTH_ADDRESS: listener.describe(
    'host:port for /healthz, /livez and /readyz, such as 0.0.0.0:9403; empty: none.',
  ),
  CERTLOOM_METRICS_ADDRESS: listener.describe(
    "host:port for /metrics, such as cert-manager's 0.0.0.0:9402; may be that for health; empty: none.",
  ),
  CERTLOOM_WORKFLOW_STACK_TRACES: flag
    .default(false)
    .describe('true has errors in workflow code tell their lines, at twice the CPU; to look into a defect.'),
  CERTLOOM_LOG_LEVEL: z
    .enum(['debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('debug, info, warn or error.'),
}

const environment = z.object(variables)

export interface Configuration {
  /** Where the API server is. */
  kubernetes: KubernetesOptions
  temporal: { address: string; namespace: string }
  /** Absolute path; empty where payloads are not encrypted. */
  payloadKeysFile: string
  prefix: string
  clusterResourceNamespace: string
  namespace: string
  leaseNamespace: string
  pluginDirectory: string
  approve: boolean
  allowPrivateAddresses: boolean
  acmeEarlyLooks: boolean
  dns: DnsConfig
  auditInterval: number
  /** host:port; empty for no listener. */
  healthAddress: string
  workflowStackTraces: boolean
  metricsAddress: string
  logLevel: 'debug' | 'info' | 'warn' | 'error'
}

/** Reads the settings once. Throws an Error that names every variable that cannot be used, and what is expected. */
export function readConfiguration(env: NodeJS.ProcessEnv): Configuration {
  const parsed = environment.safeParse(env)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
    throw new Error(`settings cannot be used:\n  ${lines.join('\n  ')}`)
  }
  const is = parsed.data
  return {
    kubernetes: is.CERTLOOM_K8S_API ?? { kubeconfig: is.KUBECONFIG },
    temporal: { address: is.TEMPORAL_ADDRESS, namespace: is.TEMPORAL_NAMESPACE },
    payloadKeysFile: is.CERTLOOM_PAYLOAD_KEYS_FILE,
    prefix: is.CERTLOOM_WORKFLOW_PREFIX,
    clusterResourceNamespace: is.CERTLOOM_CLUSTER_RESOURCE_NAMESPACE,
    namespace: is.CERTLOOM_NAMESPACE,
    leaseNamespace: is.CERTLOOM_LEASE_NAMESPACE,
    pluginDirectory: is.CERTLOOM_PLUGIN_DIRECTORY,
    approve: is.CERTLOOM_APPROVE,
    allowPrivateAddresses: is.CERTLOOM_ALLOW_PRIVATE_ADDRESSES,
    acmeEarlyLooks: is.CERTLOOM_ACME_EARLY_LOOKS,
    dns: dnsConfig({
      recursiveNameservers: is.CERTLOOM_DNS_RESOLVERS,
      recursiveOnly: is.CERTLOOM_DNS_RECURSIVE_ONLY,
      authoritativePort: is.CERTLOOM_DNS_AUTHORITATIVE_PORT,
      allowPrivateNameservers: is.CERTLOOM_ALLOW_PRIVATE_ADDRESSES,
    }),
    auditInterval: is.CERTLOOM_AUDIT_INTERVAL_MS,
    healthAddress: is.CERTLOOM_HEALTH_ADDRESS,
    workflowStackTraces: is.CERTLOOM_WORKFLOW_STACK_TRACES,
    metricsAddress: is.CERTLOOM_METRICS_ADDRESS,
    logLevel: is.CERTLOOM_LOG_LEVEL,
  }
}

export interface Setting {
  /** Name in the environment. */
  name: string
  meaning: string
  /** What holds where it is not set, as it would be written; absent where that is nothing. */
  preset?: string
}

/** Every setting, as --help and docs/settings.md show it. */
export function describedSettings(): Setting[] {
  return Object.entries(variables).map(([name, schema]) => {
    const preset = schema.safeParse(undefined).data as string | number | boolean | undefined
    const meaning = schema.description ?? ''
    return preset === undefined || preset === ''
      ? { name, meaning }
      : { name, meaning, preset: String(preset) }
  })
}

/** One line a setting with its default, for --help. */
export function describeSettings(): string {
  return describedSettings()
    .map(({ name, meaning, preset }) => {
      return `  ${name.padEnd(38)}${meaning}${preset === undefined ? '' : ` Default: ${preset}`}`
    })
    .join('\n')
}
