import type { ChallengeInput, ChallengePlan } from '../activities.ts'
import { blockedDelay } from '../domain/blocked-delay.ts'
import { OutOfTime, untilDone, type Issuance } from './context.ts'
import type { Grants } from './grants.ts'
import { step } from './steps.ts'
import { cleanUp } from './undo.ts'
import { lookInWindows } from './windows.ts'

/** An order as its challenges see it. */
export interface OrderUnderWay {
  order: string
  deadline: string
  /** Several Challenges go together with the order, a single one goes with its record. */
  several: boolean
}

/**
 * One name: put the record up, wait until every authoritative server shows it, answer, take it down. Where it is the
 * only name, nobody waits for the last: the proof stands. Where there are several, the next one may need the name, and
 * the Challenges go together when all records are gone.
 */
export async function solveChallenge(
  attempt: Issuance,
  grants: Grants,
  plan: ChallengePlan,
  { order, deadline, several }: OrderUnderWay,
): Promise<void> {
  const issuance = attempt.branch(plan.challenge.name)
  const input: ChallengeInput = { ...issuance.attempt, plan, order, deadline }
  const undoName = `clean up ${plan.challenge.name}`
  let proven = false
  issuance.undo.push(undoName, () =>
    cleanUp(
      { ...plan.record, withOrder: proven && several ? true : undefined },
      issuance.owner,
      `${plan.name} TXT removed via ${plan.provider}`,
    ),
  )

  await present(issuance, grants, input)
  await lookInWindows(issuance, 'checkPropagation', input, `${plan.fqdn} on every name server`)
  await lookInWindows(issuance, 'answerChallenge', input, `${plan.name}: the CA validates the answer`)

  proven = true
  const gone = issuance.undo.begin(undoName)
  if (several) await gone
}

async function present(issuance: Issuance, grants: Grants, input: ChallengeInput): Promise<void> {
  const { plan } = input
  const deadline = Date.parse(input.deadline)
  const summary = `${plan.fqdn} TXT via ${plan.provider}`
  for (let round = 1; ; round++) {
    const presented = await untilDone(issuance, plan.name, deadline, () =>
      step('presentChallenge', input, { summary, id: `present/${plan.name}/${round}` }),
    )
    if (presented.queued === undefined) return
    const { holder, position } = presented.queued
    const turn = position > 1 ? `${position} come before this one` : 'this one is next'
    const finding = `${plan.fqdn} is in use by ${holder}; ${turn}`
    const left = deadline - Date.now()
    if (left <= 0) throw new OutOfTime({ code: 'NameInUse', message: finding })
    issuance.carryOnIfLong()
    issuance.report(finding)
    // The grant normally comes as a signal; asking again now and then finds a lock that was terminated meanwhile.
    const wait = Math.min(blockedDelay(round), left)
    await grants.wait(plan.challenge.uid, wait, `${plan.name}: waits for ${holder}`)
  }
}
