import { isFailureCode } from '../../workflows/domain/failures.ts'
import type { KeptCertificate } from '../kept.ts'
import type { ObservedStores } from '../watched.ts'
import type { MetricFamily } from './family.ts'

/** What a certificate is doing, as its object says. The words are those of the search attribute CertPhase. */
export const certificateStates = ['Paused', 'Blocked', 'Issuing', 'BackingOff', 'Waiting'] as const
export type CertificateState = (typeof certificateStates)[number]

export function stateOf({ paused, stalled, issuing, failures }: KeptCertificate): CertificateState {
  if (paused) return 'Paused'
  if (stalled !== '') return 'Blocked'
  if (issuing !== '') return 'Issuing'
  return failures > 0 ? 'BackingOff' : 'Waiting'
}

/** How many certificates wait, and for what; and which challenge records are still to be removed. */
export function certificateFamilies(stores: ObservedStores): MetricFamily[] {
  return [
    {
      name: 'certloom_certificates',
      help: 'Certificates by what they are doing; code is the failure code of the condition Stalled where one is Blocked.',
      type: 'gauge',
      labels: ['state', 'code'],
      collect() {
        // Every state has a series: an alert on one that is 0 must not miss it.
        const counts = new Map(
          certificateStates.filter((one) => one !== 'Blocked').map((one) => [`${one} `, 0]),
        )
        for (const one of stores.certificates.list()) {
          const state = stateOf(one)
          const key = `${state} ${state === 'Blocked' ? codeOf(one.stalled) : ''}`
          counts.set(key, (counts.get(key) ?? 0) + 1)
        }
        return [...counts].map(([key, value]) => ({ labels: key.split(' '), value }))
      },
    },
    {
      name: 'certloom_challenge_records',
      help: 'Challenges whose record stands or may stand: needed for a proof under way, or cleanUpPending where the proof is over.',
      type: 'gauge',
      labels: ['state'],
      collect() {
        const held = stores.challenges.list().filter(({ holdsRecord }) => holdsRecord)
        const pending = held.filter(({ over }) => over).length
        return [
          { labels: ['needed'], value: held.length - pending },
          { labels: ['cleanUpPending'], value: pending },
        ]
      },
    },
  ]
}

/** A condition may be written by anybody: what is no code of the closed list makes no series of its own. */
function codeOf(stalled: string): string {
  return isFailureCode(stalled) ? stalled : 'other'
}
