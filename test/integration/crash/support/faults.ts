import { Context } from '@temporalio/activity'
import type { AcmeClient } from '../../../../activities/clients/acme.ts'
import type { Kubernetes } from '../../../../activities/clients/kubernetes.ts'
import type { Payload, PayloadCodec } from '@temporalio/common'
import type { ActivityDeps } from '../../../../activities/deps.ts'
import type { CertificateActivities } from '../../../../workflows/activities.ts'
import type { Instrument } from '../../../../workers/worker-parts.ts'
import type { Control } from './control.ts'
import { effectOf, type FaultPoint, type When } from './fault-points.ts'

/** Puts a fault point before and after every effect of the steps. */
export function faults(control: Control): Instrument {
  const around = async <T>(point: FaultPoint, effect: () => Promise<T>): Promise<T> => {
    const name = subject()
    const context = Context.current()
    const isGivenUp = () => context.cancellationDetails?.notFound === true
    await control.pass(name, point, 'before', isGivenUp)
    const result = await effect()
    await control.pass(name, point, 'after', isGivenUp)
    return result
  }
  return {
    deps: (deps) => ({
      ...deps,
      kubernetes: watchedKubernetes(deps.kubernetes, around),
      acme: watchedAcme(deps.acme, around),
    }),
    activities: (activities) => watchedActivities(activities, around),
    codec: watchedRuns(control),
  }
}

/**
 * A run that goes over into a new one hands its input over in one payload: it is on its way to Temporal before that,
 * and comes back with the first task of the new run after it.
 */
function watchedRuns(control: Control): PayloadCodec {
  const through = async (payloads: Payload[], when: When): Promise<Payload[]> => {
    for (const name of payloads.flatMap(carriedOver))
      await control.pass(name, 'continue-as-new', when, () => false)
    return payloads
  }
  return {
    encode: (payloads) => through(payloads, 'before'),
    decode: (payloads) => through(payloads, 'after'),
  }
}

/** The Certificate whose new run a payload begins. */
function carriedOver({ data }: Payload): string[] {
  const text = Buffer.from(data ?? []).toString()
  if (!text.includes('"carried"')) return []
  return [(JSON.parse(text) as { name: string }).name]
}

type Around = <T>(point: FaultPoint, effect: () => Promise<T>) => Promise<T>

/** The last part of the workflow's id: the name of the Certificate or of the issuer. */
function subject(): string {
  return Context.current().info.workflowExecution?.workflowId.split('/').at(-1) ?? ''
}

function watchedKubernetes(kubernetes: Kubernetes, around: Around): Kubernetes {
  return new Proxy(kubernetes, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const method = (value as (...args: unknown[]) => Promise<unknown>).bind(target)
      return (...args: unknown[]) => {
        const point = effectOf(String(property), String(args[0]), args[1])
        return point === undefined ? method(...args) : around(point, () => method(...args))
      }
    },
  })
}

function watchedAcme(acme: ActivityDeps['acme'], around: Around): ActivityDeps['acme'] {
  return {
    client: (options) => {
      const client = acme.client(options)
      const watched: Partial<AcmeClient> = {
        register: (...args) => around('account', () => client.register(...args)),
        newOrder: (...args) => around('new-order', () => client.newOrder(...args)),
        answer: (...args) => around('answer', () => client.answer(...args)),
        finalize: (...args) => around('finalize', () => client.finalize(...args)),
        certificate: (...args) => around('download', () => client.certificate(...args)),
      }
      return { ...client, ...watched }
    },
  }
}

const steps: Partial<Record<keyof CertificateActivities, FaultPoint>> = {
  presentChallenge: 'present',
  checkPropagation: 'propagation',
  cleanUpChallenge: 'clean-up',
  publish: 'done',
  finalizeAndPublish: 'done',
}

function watchedActivities<A extends object>(activities: A, around: Around): A {
  const watched = Object.entries(activities).map(([name, activity]: [string, Step]) => {
    const point = steps[name as keyof CertificateActivities]
    if (point === undefined) return [name, activity]
    return [name, (input: unknown) => beating(() => around(point, () => activity(input)))]
  })
  return Object.fromEntries(watched) as A
}

type Step = (input: unknown) => Promise<unknown>

/** A step that waits outside of its own boundary is alive all the same. */
async function beating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current()
  const beat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), 500)
  try {
    return await work()
  } finally {
    clearInterval(beat)
  }
}
