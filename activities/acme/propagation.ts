import { Context } from '@temporalio/activity'
import { setTimeout as delay } from 'node:timers/promises'
import type { Window, WindowInput } from '../../workflows/activities.ts'
import { durationMs } from '../../workflows/domain/go-duration.ts'
import type { ActivityDeps } from '../deps.ts'
import { watch } from '../dns/propagation.ts'
import { requireChallenge } from './objects.ts'
import { Waiting } from './waiting.ts'

/** What a Challenge's reason says before the finding. */
const WAITING = 'Waiting for DNS-01 challenge propagation: '

/**
 * One window of looking whether every authoritative name server shows the record. Only looks: a second run looks
 * again.
 */
export async function checkPropagation(
  deps: ActivityDeps,
  input: WindowInput,
  signal: AbortSignal,
): Promise<Window> {
  const challenge = await requireChallenge(deps.kubernetes, input.plan)
  const wait = durationMs(challenge.spec.solver.waitInsteadOfSelfCheck)
  if (wait !== undefined) {
    const since = challenge.status?.presentedAt ?? input.since ?? new Date().toISOString()
    return waitOnly(since, wait, input, signal)
  }
  const waiting = new Waiting(deps, input, challenge)
  const heartbeat = (finding: string) => {
    Context.current().heartbeat(finding)
    waiting.see(WAITING + finding)
  }
  const earlier = input.since === undefined ? undefined : { tries: input.tries, since: input.since }
  const { done, finding, tries, since } = await watch(
    { fqdn: input.plan.fqdn, value: challenge.spec.key },
    { windowMs: input.windowMs, signal, earlier, heartbeat },
    deps.dns,
  )
  if (done) await waiting.over()
  else await waiting.show(WAITING + finding)
  return { done, finding, tries, since }
}

async function waitOnly(
  since: string,
  wait: number,
  input: WindowInput,
  signal: AbortSignal,
): Promise<Window> {
  const left = Date.parse(since) + wait - Date.now()
  if (left > 0) await delay(Math.min(left, input.windowMs), undefined, { signal })
  return {
    done: left <= input.windowMs,
    finding: `Waiting ${wait / 1000} s before accepting DNS-01 challenge without self-check`,
    tries: input.tries + 1,
    since,
  }
}
