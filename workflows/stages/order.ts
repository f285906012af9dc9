import type { ChallengePlan, PlacedOrder } from '../activities.ts'
import { solveChallenge } from './challenge.ts'
import { untilDone, type Issuance } from './context.ts'
import type { Grants } from './grants.ts'
import { step } from './steps.ts'
import { together } from './together.ts'
import { cleanUp } from './undo.ts'

/** An ACME order up to the point where it can be finalized. Returns the name of the Order object. */
export async function orderCertificate(issuance: Issuance, grants: Grants, request: string): Promise<string> {
  const input = { ...issuance.attempt, request }
  let placed: PlacedOrder | undefined
  issuance.undo.push('abandon order', () =>
    step('abandonOrder', { ...input, placed }, { summary: 'give the order up' }),
  )
  const plan = await untilDone(issuance, 'order', undefined, () =>
    step('createOrder', input, { summary: `order for ${request}`, id: `order/${request}` }),
  )
  if (plan.issuer !== undefined) placed = { url: plan.url, issuer: plan.issuer }
  for (const record of plan.leftovers ?? []) await cleanUp(record, issuance.cluster, record.fqdn)
  const order = { order: plan.order, deadline: plan.deadline }
  await together(plan.groups.map((group) => () => solveGroup(issuance, grants, group, order)))
  issuance.undo.settled('abandon order')
  return plan.order
}

async function solveGroup(
  issuance: Issuance,
  grants: Grants,
  group: ChallengePlan[],
  order: { order: string; deadline: string },
): Promise<void> {
  if (group.some((plan) => plan.exclusive)) {
    for (const plan of group) await solveChallenge(issuance, grants, plan, order)
  } else {
    await together(group.map((plan) => () => solveChallenge(issuance, grants, plan, order)))
  }
}
