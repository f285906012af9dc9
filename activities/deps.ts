import type { AcquireAnswer, AcquireMessage } from '../workflows/messages.ts'
import type { AcmeClients } from './clients/acme.ts'
import type { Kubernetes } from './clients/kubernetes.ts'
import type { DnsConfig } from './dns/dns-config.ts'

/** Fields first, then a sentence: as pino has it. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What the operator of certloom decides; never an Issuer or a Certificate. */
export interface Settings {
  /** Where the Secrets of a ClusterIssuer are. */
  clusterResourceNamespace: string
  /** Where certloom keeps its own key for record annotations. */
  controllerNamespace: string
  /** Absolute path. */
  pluginDirectory: string
  /** Whether certloom approves the requests of its own Certificates. */
  approve: boolean
  /** Before every workflow id; lets clusters share one Temporal namespace. */
  workflowIdPrefix: string
  userAgent: string
  /** Whether a CA is asked twice soon after our own POST, before its Retry-After is over. */
  earlyLooks: boolean
}

/** The locks of challenge names, as activities see them. */
export interface NameLocks {
  acquire(fqdn: string, message: Omit<AcquireMessage, 'taskQueue'>): Promise<AcquireAnswer>
  release(fqdn: string, requestId: string): Promise<void>
  /** Whether this run of a workflow is open, its newest one without `runId`, or what it has begun may still go on. */
  isOpen(workflowId: string, runId?: string): Promise<boolean>
}

export interface ActivityDeps {
  /** Writes only while the Lease is held by certloom. */
  kubernetes: Kubernetes
  acme: AcmeClients
  dns: DnsConfig
  locks: NameLocks
  settings: Settings
  /** HMAC key that tells our record annotations from anybody else's. */
  recordKey(): Promise<Buffer>
  log: Logger
}
