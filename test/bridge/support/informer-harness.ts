import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { informer, type InformerDefinition } from '../../../k8s-bridge/informers/definition.ts'
import { Informer } from '../../../k8s-bridge/informers/informer.ts'
import type { ReflectorTimes } from '../../../k8s-bridge/informers/reflector.ts'
import { RESOURCE, type ApiStub, type StubObject } from './api-stub.ts'
import { recordingLogger, stubAndClient, until } from './harness.ts'

/** The default time bases, some hundred times shorter. */
export const fast: Partial<ReflectorTimes> = {
  idleLimit: 60_000,
  backoffBase: 4,
  backoffMax: 40,
  stable: 400,
  watchTimeout: [300_000, 600_000],
}

export const things: InformerDefinition = informer<StubObject>({ name: 'things', path: RESOURCE })

/** An informer on a stub of its own, with what it reported. */
export async function startInformer(
  t: TestContext,
  options: {
    times?: Partial<ReflectorTimes>
    definition?: InformerDefinition
    prepare?: (stub: ApiStub) => void
  } = {},
) {
  const { stub, kubernetes } = await stubAndClient(t)
  options.prepare?.(stub)
  const logger = recordingLogger()
  const subject = new Informer(options.definition ?? things, {
    kubernetes,
    logger,
    times: { ...fast, ...options.times },
  })
  const events: string[] = []
  subject.addHandler('recorder', {
    onAdd: ({ metadata }) => void events.push(`add ${metadata.name}`),
    onUpdate: ({ metadata }) => void events.push(`update ${metadata.name}`),
    onDelete: ({ metadata }) => void events.push(`delete ${metadata.name} ${metadata.uid}`),
  })
  const controller = new AbortController()
  const done = subject.run(controller.signal)
  const stop = async () => {
    controller.abort()
    await done
  }
  t.after(stop)
  const converged = () =>
    subject.store.size === stub.objects.size &&
    [...stub.objects].every(
      ([key, object]) => subject.store.get(key)?.metadata.resourceVersion === object.metadata.resourceVersion,
    )
  return {
    stub,
    kubernetes,
    logger,
    informer: subject,
    events,
    stop,
    synced: () => until('the first list is delivered', () => subject.hasSynced),
    watching: () => until('a watch is open', () => stub.openWatches > 0),
    converges: () => until('the store equals the server', converged),
    /** The whole of what is stored, for comparing. */
    equalsServer: () => isDeepStrictEqual(subject.store.list(), [...stub.objects.values()]),
  }
}
