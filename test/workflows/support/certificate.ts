import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { WorkflowHandle } from '@temporalio/client'
import type { Phase } from '../../../workflows/domain/phases.ts'
import {
  attemptsQuery,
  statusQuery,
  type CarriedCertificate,
  type CertificateInput,
  type StatusAnswer,
} from '../../../workflows/messages.ts'
import { searchAttributes } from '../../../workflows/search-attributes.ts'
import { knownOf } from './cluster.ts'
import { fakeActivities, type Fakes } from './fakes.ts'
import { eventsOf, taskFailures, type Event } from './history.ts'
import { until } from './until.ts'
import { CLUSTER, QUEUE, end, uniqueName, type World } from './world.ts'

/** What must be true besides the phase. */
export interface Wanted {
  revision?: number
  failures?: number
  finding?: RegExp
}

/** A certificate workflow under test, started as the bridge does it. */
export class Subject implements AsyncDisposable {
  readonly world: World
  readonly namespace: string
  readonly fakes: Fakes
  /** Of the newest run. */
  readonly handle: WorkflowHandle

  constructor(world: World, namespace: string, fakes: Fakes) {
    this.world = world
    this.namespace = namespace
    this.fakes = fakes
    this.handle = world.client.workflow.getHandle(this.id)
  }

  get id(): string {
    return `certificate/${this.namespace}/web`
  }
  get calls() {
    return this.fakes.calls
  }
  get cluster() {
    return this.fakes.cluster
  }

  async start(carried?: CarriedCertificate): Promise<void> {
    const known = knownOf(this.cluster)
    const input: CertificateInput = {
      v: 1,
      cluster: CLUSTER,
      namespace: this.namespace,
      name: 'web',
      known,
      carried,
    }
    await this.world.client.workflow.signalWithStart('certificate', {
      workflowId: this.id,
      taskQueue: QUEUE,
      args: [input],
      memo: {
        cluster: CLUSTER,
        known,
        target: { kind: 'Certificate', namespace: this.namespace, name: 'web' },
      },
      signal: 'changed',
      signalArgs: [{ v: 1 }],
      staticSummary: `Certificate ${this.namespace}/web`,
    })
  }

  /** Changes the object and rings, as the bridge does. */
  async change(change: Partial<Fakes['cluster']>): Promise<void> {
    Object.assign(this.cluster, { generation: this.cluster.generation + 1 }, change)
    await this.handle.signal('changed', { v: 1, uid: this.cluster.uid })
  }

  status(): Promise<StatusAnswer> {
    return this.handle.query(statusQuery)
  }

  attempts() {
    return this.handle.query(attemptsQuery)
  }

  /**
   * Waits until the newest run is in a phase. Search attributes are read first, because the test server never answers
   * a query that meets the end of a run.
   */
  async phase(phase: Phase, want: Wanted = {}): Promise<StatusAnswer> {
    let last: unknown
    try {
      return await until(`the certificate is ${phase}`, async () => {
        const { typedSearchAttributes: attributes } = await this.handle.describe()
        const shown = {
          phase: attributes.get(searchAttributes.phase),
          revision: attributes.get(searchAttributes.revision),
          failures: attributes.get(searchAttributes.failures),
        }
        last = shown
        const { revision = shown.revision, failures = shown.failures } = want
        if (!isDeepStrictEqual(shown, { phase, revision, failures })) return undefined
        const status = await this.status()
        last = status
        return status.phase === phase && (want.finding?.test(status.finding) ?? true) && status
      })
    } catch (error) {
      throw new Error(
        `${String(error)}; last: ${JSON.stringify(last)}; calls: ${this.calls.effects.join(' ')}`,
      )
    }
  }

  issued(revision: number): Promise<StatusAnswer> {
    return this.phase('Waiting', { revision })
  }

  async run(): Promise<string> {
    return (await this.handle.describe()).runId
  }

  /** Waits for another run than the given one. */
  newRun(than: string): Promise<string> {
    return until('the workflow continued as new', async () => {
      const run = await this.run()
      return run !== than && run
    })
  }

  events(run?: string): Promise<Event[]> {
    return eventsOf(run === undefined ? this.handle : this.world.client.workflow.getHandle(this.id, run))
  }

  async ended(): Promise<string> {
    return until('the workflow ended', async () => {
      const { name } = (await this.handle.describe()).status
      return name !== 'RUNNING' && name
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const failures = taskFailures(await this.events())
    await end(this.world, this.handle)
    assert.deepEqual(failures, [], 'no task of workflow code fails')
  }
}

/** A certificate workflow that has been started with fake activities. */
export async function startCertificate(
  world: World,
  overrides?: Parameters<typeof fakeActivities>[1],
  change: (cluster: Fakes['cluster'], namespace: string) => Partial<Fakes['cluster']> = () => ({}),
): Promise<Subject> {
  const namespace = uniqueName('shop')
  const fakes = fakeActivities(world.now, overrides)
  Object.assign(fakes.cluster, change(fakes.cluster, namespace))
  world.use(fakes.activities)
  const subject = new Subject(world, namespace, fakes)
  await subject.start()
  return subject
}
