import { CertloomError } from '../failure.ts'
import { execProvider } from './exec/exec.ts'
import type { CallContext, DnsProviderKind, ProviderDeps, SelectedProvider } from './provider.ts'

/** Every kind of DNS provider: one line each. */
export const dnsProviderKinds: readonly DnsProviderKind[] = [execProvider]

/**
 * The provider that a solver's `dns01` names. Throws UnsupportedSolver for a kind that this release does not serve, and
 * InvalidSpec, with the path of the field, for a configuration that its kind refuses.
 */
export function findDnsProvider(dns01: unknown, path = 'spec.acme.solvers[].dns01'): SelectedProvider {
  if (!isObject(dns01)) throw new CertloomError('InvalidSpec', `${path}: must be an object`)
  const named = Object.keys(dns01).filter((key) => key !== 'cnameStrategy' && dns01[key] != null)
  if (named.length === 0)
    throw new CertloomError('InvalidSpec', `${path}: names no provider; known: ${known()}`)
  if (named.length > 1) {
    throw new CertloomError(
      'InvalidSpec',
      `${path}: names ${named.join(' and ')}; one solver has one provider`,
    )
  }
  for (const kind of dnsProviderKinds) {
    const selected = kind.select(dns01, path)
    if (selected !== undefined) return selected
  }
  throw new CertloomError(
    'UnsupportedSolver',
    `${path}: ${describeSolver(dns01)} is not served; known: ${known()}`,
  )
}

/** Removes what a handle names, on any worker and without the Issuer. A record that is gone is a success. */
export async function cleanUpRecord(handle: unknown, deps: ProviderDeps, call: CallContext): Promise<void> {
  const name = isObject(handle) ? handle.kind : undefined
  const kind = dnsProviderKinds.find((candidate) => candidate.kind === name)
  if (kind === undefined) {
    const text = typeof name === 'string' ? `of the unknown kind "${name}"` : 'without a kind'
    throw new CertloomError('UnsupportedSolver', `a record ${text} cannot be removed by this release`)
  }
  await kind.cleanUp(handle, deps, call)
}

function known(): string {
  return dnsProviderKinds.map((kind) => kind.usage).join(', ')
}

function describeSolver(dns01: Readonly<Record<string, unknown>>): string {
  const { webhook } = dns01
  if (!isObject(webhook)) return Object.keys(dns01).find((key) => key !== 'cnameStrategy') ?? 'it'
  return `webhook with groupName ${shown(webhook.groupName)} and solverName ${shown(webhook.solverName)}`
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `"${value}"` : 'that is not a string'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
