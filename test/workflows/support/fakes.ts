import type {
  CertificateActivities,
  CleanUpActivities,
  IssuerActivities,
  LockActivities,
  Prepared,
  Published,
} from '../../../workflows/activities.ts'
import type { FailureCode } from '../../../workflows/domain/failures.ts'
import { pack } from '../../../workflows/domain/packed.ts'
import { toApplicationFailure } from '../../../activities/boundary.ts'
import { CertloomError } from '../../../activities/failure.ts'
import { until } from './until.ts'
import {
  issueInto,
  knownOf,
  lookAt,
  newCertificate,
  orderFor,
  readyIssuer,
  type FakeCertificate,
} from './cluster.ts'

export type Activities = CertificateActivities & IssuerActivities & CleanUpActivities & LockActivities
export type Name = keyof Activities

export interface Call<N extends Name = Name> {
  readonly name: N
  readonly input: Parameters<Activities[N]>[0]
  /** Milliseconds since the epoch by the server's clock. */
  readonly at: number
}

/** What the fake activities were asked, in order. */
export class CallLog {
  readonly all: Call[] = []

  of<N extends Name>(name: N): Call<N>[] {
    return this.all.filter((call): call is Call<N> => call.name === name)
  }

  /** Names in order, without the looks, which only read. */
  get effects(): Name[] {
    return this.all.map(({ name }) => name).filter((name) => name !== 'look')
  }

  /** Waits until an activity was asked so often, and answers with that call. */
  async nth<N extends Name>(name: N, count = 1): Promise<Call<N>> {
    const calls = await until(`${name} is called ${count} times (calls: ${this.effects.join(' ')})`, () => {
      const calls = this.of(name)
      return calls.length >= count && calls
    })
    return calls[count - 1] as Call<N>
  }

  clear(): void {
    this.all.length = 0
  }
}

export interface Fakes {
  readonly activities: Activities
  readonly calls: CallLog
  readonly cluster: FakeCertificate
}

/** Activities that carry out what they are asked on a fake Certificate. A test replaces those that it is about. */
export function fakeActivities(
  now: () => Promise<number>,
  overrides: (defaults: Activities, cluster: FakeCertificate) => Partial<Activities> = () => ({}),
  cluster: FakeCertificate = newCertificate(),
): Fakes {
  const calls = new CallLog()
  const defaults = defaultActivities(now, cluster)
  const all = { ...defaults, ...overrides(defaults, cluster) }
  const logged = Object.entries(all).map(([name, activity]) => [
    name,
    async (input: never) => {
      calls.all.push({ name: name as Name, input, at: await now() })
      return (activity as (input: never) => unknown)(input)
    },
  ])
  return { activities: Object.fromEntries(logged) as Activities, calls, cluster }
}

function defaultActivities(now: () => Promise<number>, cluster: FakeCertificate): Activities {
  const looked = async () => ({
    done: true,
    finding: 'all 2 name servers agree',
    tries: 1,
    since: await text(now),
  })
  const published = async (): Promise<Published> => {
    const certificate = issueInto(cluster, await now())
    const { revision, renewalTime } = cluster
    return { certificate, revision, renewalTime, known: knownOf(cluster), steps: [] }
  }
  return {
    look: async () => lookAt(cluster, await now()),
    async prepare({ cause }): Promise<Prepared> {
      if (cluster.issuing === '') cluster.issuing = `${cause.reason}@${await text(now)}`
      const revision = cluster.revision + 1
      return {
        revision,
        request: `web-${revision}`,
        temporarySecret: `web-next-${revision}`,
        flow: cluster.flow,
        requestDigest: cluster.digest,
        known: knownOf(cluster),
        names: cluster.names,
        issuer: 'ClusterIssuer/example',
        leftovers: pack([]),
        steps: [],
      }
    },
    createOrder: async () => orderFor(cluster, await now()),
    presentChallenge: async () => ({}),
    checkPropagation: looked,
    answerChallenge: looked,
    cleanUpChallenge: async () => undefined,
    finalizeAndPublish: published,
    publish: published,
    async failAttempt() {
      cluster.failures += 1
      cluster.lastFailureAt = await text(now)
      cluster.issuing = ''
      return knownOf(cluster)
    },
    async discardAttempt() {
      cluster.issuing = ''
      return knownOf(cluster)
    },
    abandonOrder: async () => undefined,
    reportBlocked: async () => undefined,
    async updateStatus() {
      cluster.statusStale = false
      return knownOf(cluster)
    },
    verifyIssuer: async () => readyIssuer,
    giveUpCleanUp: async () => undefined,
    findClaims: async () => [],
    inspectHolder: async () => 'holding' as const,
  }
}

async function text(now: () => Promise<number>): Promise<string> {
  return new Date(await now()).toISOString()
}

/** The error of a real activity that failed for this reason. */
export function failure(code: FailureCode, message = 'as the test wants it', notBefore?: string): Error {
  return toApplicationFailure(new CertloomError(code, message, { notBefore }))
}
