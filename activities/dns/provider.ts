import type { z } from 'zod'
import { CertloomError } from '../failure.ts'
import { describeIssues } from './issues.ts'

/** The TXT record that proves control of a name (RFC 8555 section 8.4). */
export interface ChallengeRecord {
  /** Where the record stands, with a trailing dot, after the solver's CNAME strategy. */
  fqdn: string
  /** The identifier without "*.". */
  domain: string
  /** The zone that holds `fqdn`, when it is known. */
  zone?: string
  /** The content of the TXT record: base64url of a SHA-256 digest. Public by protocol. */
  value: string
}

export interface ProviderCapabilities {
  /** Several values can stand at one name at the same time; if false, a name needs the exclusive lock. */
  holdsManyValues: boolean
  /** A clean-up removes its own value only; if false, it removes every TXT value at the name. */
  deletesByValue: boolean
}

export interface SecretKeyReference {
  namespace: string
  name: string
  key: string
}

/** What a worker gives its providers: operator configuration and access, never anything from an Issuer. */
export interface ProviderDeps {
  /** Throws a CertloomError SecretNotFound or SecretKeyMissing. */
  readSecret(ref: SecretKeyReference): Promise<Buffer>
  /** Absolute path of the directory that holds the exec plugins. */
  pluginDirectory: string
  /** Milliseconds between SIGTERM and SIGKILL for a plugin that has to end; 5000 by default. */
  pluginGraceMs?: number
}

/** One call of a provider: how it is ended early, how it shows that it lives. */
export interface CallContext {
  /** When it aborts, the call ends what it started and rejects with the signal's reason. */
  signal: AbortSignal
  /** Called every second while the provider works. */
  heartbeat(): void
  /** An earlier try of the same record may have got through without its result being known (a lost worker). */
  again?: boolean
}

/**
 * What is needed to remove a record, a day later and on another worker, without its Issuer. Plain JSON: it stands in
 * histories and on the Challenge. References to Secrets, never their content.
 */
export interface RecordHandle {
  v: 1
  kind: string
  fqdn: string
  value: string
}

/** A provider with its configuration. Every method may run twice, or again after it was cut off. */
export interface DnsProvider<Handle extends RecordHandle = RecordHandle> {
  readonly capabilities: ProviderCapabilities
  /** For people, in activity summaries: "exec googledns". */
  readonly summary: string
  /** Throws a CertloomError when a record could not be presented now: plugin, Secret or endpoint missing. */
  ready(): Promise<void>
  /** What `present` would leave behind, without doing anything: to be recorded before the effect. */
  plan(record: ChallengeRecord): Handle
  /** Returns when the provider has accepted the record; whether DNS shows it is another question. */
  present(record: ChallengeRecord, call: CallContext): Promise<Handle>
}

/** Everything about one kind of provider; `defineDnsProvider` makes it an entry of the registry. */
export interface DnsProviderDefinition<Config, Handle extends RecordHandle> {
  /** The value of `kind` in its handles. */
  kind: string
  /** How a solver chooses it, for messages: "dns01.webhook with groupName … and solverName …". */
  usage: string
  /** The configuration in a dns01 solver of this kind and its path below dns01; undefined for other solvers. */
  find(dns01: Readonly<Record<string, unknown>>): { config: unknown; path: string } | undefined
  config: z.ZodType<Config>
  handle: z.ZodType<Handle>
  /** `namespace` is where the issuer's Secrets are: its own, or the cluster resource namespace. */
  create(config: Config, namespace: string, deps: ProviderDeps): DnsProvider<Handle>
  /** Removes the record; one that is gone, or never was, is a success. */
  cleanUp(handle: Handle, deps: ProviderDeps, call: CallContext): Promise<void>
}

/** A definition behind its schemas: takes what users and histories hold, and checks it. */
export interface DnsProviderKind {
  readonly kind: string
  readonly usage: string
  /** Undefined when the solver is of another kind; throws InvalidSpec with the path of the wrong field. */
  select(dns01: Readonly<Record<string, unknown>>, path: string): SelectedProvider | undefined
  cleanUp(handle: unknown, deps: ProviderDeps, call: CallContext): Promise<void>
}

/** A kind with a valid configuration, not yet bound to a namespace. */
export interface SelectedProvider {
  readonly kind: string
  create(namespace: string, deps: ProviderDeps): DnsProvider
}

export function defineDnsProvider<Config, Handle extends RecordHandle>(
  definition: DnsProviderDefinition<Config, Handle>,
): DnsProviderKind {
  const { kind, usage } = definition
  return {
    kind,
    usage,
    select(dns01, path) {
      const found = definition.find(dns01)
      if (found === undefined) return undefined
      const config = definition.config.safeParse(found.config)
      if (!config.success) {
        throw new CertloomError('InvalidSpec', describeIssues(config.error, `${path}.${found.path}`))
      }
      return { kind, create: (namespace, deps) => definition.create(config.data, namespace, deps) }
    },
    async cleanUp(handle, deps, call) {
      const parsed = definition.handle.safeParse(handle)
      if (!parsed.success) {
        throw new CertloomError(
          'Internal',
          `a record of kind ${kind}: ${describeIssues(parsed.error, 'handle')}`,
        )
      }
      await definition.cleanUp(parsed.data, deps, call)
    },
  }
}
