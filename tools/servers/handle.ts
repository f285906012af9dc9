import { join } from 'node:path'
import { ServersError } from './error.ts'
import type { DnsFacts, KubernetesFacts, PebbleFacts, ServersFacts, TemporalFacts } from './facts.ts'
import type { ManagedProcess, ProcessName } from './managed-process.ts'
import { requestToken } from './parts/kubernetes-client.ts'
import { writeKubeconfig } from './parts/kubeconfig.ts'
import { pebbleRoot } from './parts/pebble.ts'

export interface Kubernetes extends KubernetesFacts {
  /**
   * Writes a kubeconfig with a token (one day) of an existing ServiceAccount and returns its path.
   * @throws ServersError if there is no such account
   */
  kubeconfigFor(namespace: string, name: string): Promise<string>
}

export interface Pebble extends PebbleFacts {
  /** PEM of the root that Pebble issues under now (index 0), or of an alternate one. */
  root(index?: number): Promise<string>
}

/** Running servers, in this process or in the one that started them. Asking for a part that was not started throws. */
export interface Servers {
  readonly facts: ServersFacts
  readonly kubernetes: Kubernetes
  readonly temporal: TemporalFacts
  readonly pebble: Pebble
  readonly dns: DnsFacts
  readonly kubectlPath: string | undefined
  process(name: ProcessName): ManagedProcess
  /** KUBECONFIG and TEMPORAL_ADDRESS, as far as those servers were started, for child processes. */
  env(): Record<string, string>
}

/** The addresses as an object with behaviour, over processes that are controlled here or from afar. */
export function serversOf(facts: ServersFacts, processes: ReadonlyMap<ProcessName, ManagedProcess>): Servers {
  const { kubernetes, pebble } = facts
  return {
    facts,
    get kubernetes() {
      const known = started(kubernetes, 'kube-apiserver')
      return {
        ...known,
        kubeconfigFor: (namespace: string, name: string) =>
          accountKubeconfig(facts.dataDir, known, namespace, name),
      }
    },
    get temporal() {
      return started(facts.temporal, 'temporal')
    },
    get pebble() {
      const known = started(pebble, 'pebble')
      return { ...known, root: (index?: number) => pebbleRoot(known, index) }
    },
    get dns() {
      return started(facts.dns, 'dns')
    },
    kubectlPath: facts.kubectlPath,
    process: (name) => started(processes.get(name), name),
    env: () => ({
      ...(kubernetes ? { KUBECONFIG: kubernetes.adminKubeconfigPath } : {}),
      ...(facts.temporal ? { TEMPORAL_ADDRESS: facts.temporal.address } : {}),
    }),
  }
}

function started<T>(part: T | undefined, name: ProcessName): T {
  if (part === undefined)
    throw new ServersError(`${name} was not started: add '${name}' to the parts of startServers`)
  return part
}

async function accountKubeconfig(dataDir: string, facts: KubernetesFacts, namespace: string, name: string) {
  const token = await requestToken(facts, namespace, name)
  const file = join(dataDir, `${namespace}.${name}.kubeconfig`)
  await writeKubeconfig(file, facts.url, facts.caPem, { token })
  return file
}
