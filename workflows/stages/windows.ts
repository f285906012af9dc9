import type { ChallengeInput, Window, WindowInput } from '../activities.ts'
import { parseTime } from '../domain/time-text.ts'
import { OutOfTime, untilDone, type Issuance } from './context.ts'
import { step } from './steps.ts'

// The first one is short: what is awaited shall be read soon, and an ordinary wait needs no second one.
const WINDOWS_MS = [4_000, 20_000, 60_000, 300_000]

/** What the order ran out of time for. */
const pending = { checkPropagation: 'PropagationPending', answerChallenge: 'ValidationPending' } as const

/**
 * Waits for the world: an activity looks for one window and returns what it found; the finding is shown and the next,
 * longer window opens, until the order's deadline. SDK retries are for lost workers only.
 */
export async function lookInWindows(
  issuance: Issuance,
  name: 'checkPropagation' | 'answerChallenge',
  input: ChallengeInput,
  summary: string,
): Promise<void> {
  const deadline = Date.parse(input.deadline)
  let seen: Pick<WindowInput, 'tries' | 'since' | 'finding'> = { tries: 0 }
  for (let round = 0; ; round++) {
    const left = deadline - Date.now()
    if (left <= 0) throw new OutOfTime({ code: pending[name], message: seen.finding ?? summary })
    const windowMs = Math.min(WINDOWS_MS[Math.min(round, WINDOWS_MS.length - 1)] ?? left, left)
    const window: Window = await untilDone(issuance, input.plan.name, deadline, () =>
      step(name, { ...input, ...seen, windowMs }, { summary, id: `${name}/${input.plan.name}/${round + 1}` }),
    )
    if (window.done) return
    seen = { tries: window.tries, since: window.since, finding: window.finding }
    issuance.carryOnIfLong()
    issuance.report(`${window.finding}; looked ${window.tries} times since ${window.since}`)
    const until = Math.min(parseTime(window.notBefore) ?? 0, deadline)
    // What rings here does not make the CA look sooner.
    if (until > Date.now())
      await issuance.pause(until - Date.now(), `${input.plan.name}: ${window.finding}`, undefined)
  }
}
