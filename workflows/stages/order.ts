import type { ChallengePlan, OrderInput, OrderPlan } from '../activities.ts'
import { unpack } from '../domain/packed.ts'
import type { PlacedOrder } from '../domain/placed-order.ts'
import { solveChallenge, type OrderUnderWay } from './challenge.ts'
import { untilDone, type Issuance } from './context.ts'
import type { Grants } from './grants.ts'
import { failureOf, step } from './steps.ts'
import { together } from './together.ts'
import { cleanUpLeftover } from './undo.ts'

/**
 * An ACME order up to the point where it can be finalized; the record of a single name may still be on its way out of
 * DNS then. Returns the name of the Order object.
 */
export async function orderCertificate(issuance: Issuance, grants: Grants, request: string): Promise<string> {
  const input = { ...issuance.attempt, request }
  let placed: PlacedOrder | undefined
  issuance.undo.push('abandon order', () =>
    step(
      'abandonOrder',
      { ...input, placed },
      { summary: `${request}: give the order up: ${issuance.whyUndone()}` },
    ),
  )
  const plan = await untilDone(issuance, request, undefined, () =>
    place({ ...input, placed }, (order) => (placed = order)),
  )
  const challenges = unpack(plan.challenges)
  issuance.solvers(challenges.map(({ provider }) => provider))
  if (plan.issuer !== undefined) placed = { url: plan.url, issuer: plan.issuer }
  const leftovers = plan.leftovers === undefined ? [] : unpack(plan.leftovers)
  for (const record of leftovers) await cleanUpLeftover(record, issuance.owner)
  const order = { order: plan.order, deadline: plan.deadline, several: challenges.length > 1 }
  await together(byChallengeName(challenges).map((group) => () => solveGroup(issuance, grants, group, order)))
  issuance.undo.settled('abandon order')
  return plan.order
}

/** An order whose record the API server refuses is kept, for the next try or to be given up: a CA counts orders. */
async function place(input: OrderInput, keep: (order: PlacedOrder) => void): Promise<OrderPlan> {
  const { request } = input
  const options = { summary: `${request}: order at the CA`, id: `order/${request}` }
  try {
    return await step('createOrder', input, options)
  } catch (error) {
    const order = failureOf(error)?.placed
    if (order !== undefined) keep(order)
    throw error
  }
}

/** Challenges of one name together: they may be in each other's way. Groups run side by side. */
function byChallengeName(plans: readonly ChallengePlan[]): ChallengePlan[][] {
  return [...Map.groupBy(plans, ({ fqdn }) => fqdn).values()]
}

async function solveGroup(
  issuance: Issuance,
  grants: Grants,
  group: ChallengePlan[],
  order: OrderUnderWay,
): Promise<void> {
  if (group.some((plan) => plan.exclusive)) {
    for (const plan of group) await solveChallenge(issuance, grants, plan, order)
  } else {
    await together(group.map((plan) => () => solveChallenge(issuance, grants, plan, order)))
  }
}
