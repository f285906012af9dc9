import type { Solver } from '../../k8s-bridge/api/solver/solver.ts'
import { selectSolver } from '../../workflows/domain/solver-selection.ts'
import type { ActivityDeps } from '../deps.ts'
import { configurationValues } from '../dns/exec/secret-parts.ts'
import type { DnsProvider, ProviderDeps } from '../dns/provider.ts'
import { findDnsProvider } from '../dns/registry.ts'
import { CertloomError } from '../failure.ts'
import { readSecretKey, type LiveIssuer } from '../issuers/issuer.ts'
import { learnConfiguration } from '../secrets/configuration.ts'
import { acmeSpec } from './account.ts'

export interface Question {
  /** Without the star. */
  identifier: string
  wildcard: boolean
  offeredTypes: readonly string[]
  labels: Record<string, string> | undefined
}

/** Between SIGTERM and SIGKILL: people hear of a plugin that ignores its timeout within five seconds of it. */
const PLUGIN_GRACE_MS = 3_000

export function providerDeps({ kubernetes, settings }: ActivityDeps): ProviderDeps {
  return {
    async readSecret(ref) {
      const bytes = await readSecretKey(kubernetes, ref)
      learnConfiguration(configurationValues(bytes))
      return bytes
    },
    pluginDirectory: settings.pluginDirectory,
    pluginGraceMs: PLUGIN_GRACE_MS,
  }
}

/** The solver of an issuer for one name; throws NoSolver where none fits. */
export function solverFor(issuer: LiveIssuer, question: Question): { solver: Solver; index: number } {
  const choice = selectSolver({ solvers: acmeSpec(issuer).solvers ?? [], ...question })
  if (choice === undefined) {
    const name = question.wildcard ? `*.${question.identifier}` : question.identifier
    throw new CertloomError('NoSolver', `No solver of ${issuer.kind} ${issuer.name} fits ${name}`)
  }
  return choice
}

/** The DNS provider behind a solver, bound to the namespace of the issuer's Secrets. */
export function providerFor(
  deps: ActivityDeps,
  issuer: LiveIssuer,
  solver: Solver,
  index?: number,
): DnsProvider {
  const path = index === undefined ? 'spec.solver.dns01' : `spec.acme.solvers[${index}].dns01`
  if (solver.dns01 === undefined) {
    throw new CertloomError(
      'UnsupportedSolver',
      `${path.replace('dns01', 'http01')} is not served by this release`,
    )
  }
  return findDnsProvider(solver.dns01, path).create(issuer.secretNamespace, providerDeps(deps))
}
