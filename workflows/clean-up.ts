import { condition, setCurrentDetails, setHandler } from '@temporalio/workflow'
import { blockedDelay } from './domain/blocked-delay.ts'
import { changedSignal, renewSignal, type CleanUpInput } from './messages.ts'
import { failureOf, step } from './stages/steps.ts'

/** How long one round lets the SDK retry before the finding is shown and the wait grows, in milliseconds. */
const ROUND_MS = 60_000

/**
 * A clean-up that its certificate could not finish within a minute: tried for a week, then given up in plain sight.
 * The signal `changed` or `renew` makes it try at once.
 */
export async function cleanUp(input: CleanUpInput): Promise<void> {
  const { fqdn, provider } = input.challenge
  let bell = 0
  const ring = () => {
    bell += 1
  }
  setHandler(changedSignal, ring, { description: 'Try the clean-up again now.' })
  setHandler(renewSignal, ring, { description: 'Try the clean-up again now.' })
  for (let looks = 1; Date.now() < Date.parse(input.until); looks++) {
    const seen = bell
    try {
      await step('cleanUpChallenge', input.challenge, {
        summary: `${fqdn} TXT via ${provider}`,
        deadlineMs: ROUND_MS,
      })
      return
    } catch (error) {
      const finding = failureOf(error)?.message ?? String(error)
      setCurrentDetails(
        `**${fqdn}** cannot be removed via ${provider} yet: ${finding}. Tried until ${input.until}.`,
      )
      await condition(() => bell !== seen, blockedDelay(looks), { summary: `try again to remove ${fqdn}` })
    }
  }
  await step('giveUpCleanUp', input, { summary: `${fqdn} stays behind at ${provider}` })
}
