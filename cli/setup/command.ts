import { InvalidArgumentError, Option, type Command } from 'commander'
import { connectKubernetes, KubernetesError } from '../../activities/clients/kubernetes.ts'
import { LEASE_NAMESPACE } from '../../k8s-bridge/lease-record.ts'
import { RETENTION_DAYS, setup, SetupError } from './setup.ts'

interface Flags {
  kubeconfig?: string
  context?: string
  temporalAddress: string
  temporalNamespace: string
  retentionDays: number
  leaseNamespace: string
  skipCrds?: true
  skipPolicies?: true
  skipRbac?: true
  skipTemporal?: true
}

/** Adds `certloom setup` to the program. */
export function registerSetup(program: Command): void {
  program
    .command('setup')
    .description(
      'install CRDs, admission policies, rights and the Temporal namespace; can be run again at any time',
    )
    .option(
      '--kubeconfig <file>',
      'kubeconfig of a cluster administrator (default: KUBECONFIG, ~/.kube/config)',
    )
    .option('--context <name>', 'context of the kubeconfig (default: its current one)')
    .addOption(
      new Option('--temporal-address <host:port>', 'frontend of the Temporal server')
        .env('TEMPORAL_ADDRESS')
        .default('127.0.0.1:7233'),
    )
    .addOption(
      new Option('--temporal-namespace <name>', 'Temporal namespace, made if missing')
        .env('TEMPORAL_NAMESPACE')
        .default('certloom'),
    )
    .option('--retention-days <days>', 'how long Temporal keeps closed runs', wholeDays, RETENTION_DAYS)
    .addOption(
      new Option('--lease-namespace <name>', 'where the Lease cert-manager-controller is')
        .env('CERTLOOM_LEASE_NAMESPACE')
        .default(LEASE_NAMESPACE),
    )
    .option('--skip-crds', 'leave CustomResourceDefinitions alone')
    .option('--skip-policies', 'leave admission policies alone')
    .option('--skip-rbac', 'leave service accounts, roles and bindings alone')
    .option('--skip-temporal', 'leave Temporal alone')
    .addHelpText(
      'after',
      `
Examples:
  npm run certloom -- setup
  npm run certloom -- setup --context production --temporal-address temporal.example.com:7233
  npm run certloom -- setup --skip-crds --skip-policies --skip-rbac     only the Temporal namespace
  npm run certloom -- setup --skip-temporal                             only the cluster
`,
    )
    .action((flags: Flags) => run(flags))
}

async function run(flags: Flags): Promise<void> {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end.abort())
  try {
    await setupWith(flags, end.signal)
    process.stdout.write('Done.\n')
  } catch (error) {
    if (!end.signal.aborted && !(error instanceof SetupError) && !(error instanceof KubernetesError))
      throw error
    const text = end.signal.aborted ? 'interrupted; run it again to finish' : (error as Error).message
    process.stderr.write(`certloom setup: ${text}\n`)
    process.exitCode = 1
  }
}

async function setupWith(flags: Flags, signal: AbortSignal): Promise<void> {
  const [crds, policies, rbac] = [!flags.skipCrds, !flags.skipPolicies, !flags.skipRbac]
  const { kubeconfig, context, retentionDays, leaseNamespace } = flags
  const kubernetes = crds || policies || rbac ? await connectKubernetes({ kubeconfig, context }) : undefined
  try {
    await setup({
      kubernetes,
      temporal: flags.skipTemporal
        ? undefined
        : { address: flags.temporalAddress, namespace: flags.temporalNamespace },
      log: (line) => process.stdout.write(`${line}\n`),
      retentionDays,
      crds,
      policies,
      rbac,
      leaseNamespace,
      signal,
    })
  } finally {
    await kubernetes?.close()
  }
}

function wholeDays(text: string): number {
  const days = Number(text)
  if (!Number.isInteger(days) || days < 1 || days > 3650) {
    throw new InvalidArgumentError('give a whole number of days, 1 to 3650')
  }
  return days
}
