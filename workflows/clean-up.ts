import {
  ApplicationFailure,
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import { MINUTE_OF_TRIES } from './domain/clean-up.ts'
import { blockedDelay } from './domain/blocked-delay.ts'
import { describeFailure, type Failure } from './domain/failures.ts'
import type { Phase } from './domain/phases.ts'
import { changedSignal, renewSignal, type CleanUpInput } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import { showSearchAttributes } from './show-attributes.ts'
import { failureOf, step } from './stages/steps.ts'

/** A week of rounds is some 20,000 events: the run starts anew past this many. */
const LONG_RUN_EVENTS = 2_000

/**
 * A clean-up that its certificate could not finish within a minute: tried for a week, then given up in plain sight.
 * The signal `changed` or `renew` makes it try at once; a cancel gives it up at once. One that was given up ends failed
 * as `LeftBehind`, so that a list of failed runs shows what somebody has to remove by hand.
 */
export async function cleanUp(input: CleanUpInput): Promise<void> {
  const { fqdn, provider } = input.challenge
  let bell = 0
  const ring = () => {
    bell += 1
  }
  setHandler(changedSignal, ring, { description: 'Try the clean-up again now.' })
  setHandler(renewSignal, ring, { description: 'Try the clean-up again now.' })
  const giveUp = async () => {
    await step('giveUpCleanUp', input, { summary: `${fqdn} stays behind at ${provider}` })
    show(input, 'Blocked', 'LeftBehind')
    setCurrentDetails(`**${fqdn}** stays behind: ${describeFailure(leftBehind)}`)
  }
  const leftBehind: Failure = {
    code: 'LeftBehind',
    message: `the record ${fqdn} could not be removed via ${provider}`,
  }
  show(input, 'Deleting', 'CleanUpPending')
  try {
    for (let looks = 1; Date.now() < Date.parse(input.until); looks++) {
      const seen = bell
      const finding = await remove(input)
      if (finding === undefined) return show(input, 'Deleting', '')
      setCurrentDetails(
        `**${fqdn}** cannot be removed via ${provider} yet: ${describeFailure({ code: 'CleanUpPending', message: finding })} Tried ${looks} times, until ${input.until}.`,
      )
      await condition(() => bell !== seen, blockedDelay(looks), { summary: `try again to remove ${fqdn}` })
      if (workflowInfo().historyLength > LONG_RUN_EVENTS) {
        await condition(allHandlersFinished)
        await continueAsNew<typeof cleanUp>(input)
      }
    }
  } catch (error) {
    // Else the Challenge would keep its namespace for ever, and nobody would hear of the record.
    if (isCancellation(error)) await CancellationScope.nonCancellable(giveUp)
    throw error
  }
  await giveUp()
  throw ApplicationFailure.nonRetryable(describeFailure(leftBehind), leftBehind.code)
}

function show(input: CleanUpInput, phase: Phase, errorType: 'CleanUpPending' | 'LeftBehind' | ''): void {
  showSearchAttributes([
    { key: searchAttributes.namespace, value: input.challenge.challenge.namespace },
    ...(input.certificate === undefined
      ? []
      : [{ key: searchAttributes.name, value: input.certificate.slice(0, 200) }]),
    { key: searchAttributes.phase, value: phase },
    { key: searchAttributes.errorType, value: errorType },
  ])
}

/** What keeps the record from being removed; undefined where it is gone. */
async function remove({ challenge }: CleanUpInput): Promise<string | undefined> {
  const summary = `${challenge.fqdn} TXT removed via ${challenge.provider}`
  try {
    await step('cleanUpChallenge', challenge, { summary, tries: MINUTE_OF_TRIES })
    return undefined
  } catch (error) {
    const failure = failureOf(error)
    if (failure === undefined) throw error
    return failure.message
  }
}
