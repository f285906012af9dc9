import { actors } from './actors.ts'
import { describeFailure, failures, type Failure } from './failures.ts'

/** What is the matter, what to do, and who has to: for whoever reads it need not be that one. */
export function describeStall(failure: Failure): string {
  const { acts } = failures[failure.code]
  const who = acts === 'nobody' ? 'Nobody has to act.' : `Waiting for ${actors[acts]} to act.`
  return `${describeFailure(failure)} ${who}`
}

/**
 * Whether the condition Stalled tells of it. An issuer that is just being verified or an order that is made anew is over
 * before anybody could help. The limit of a CA needs nobody either, but may last for hours: whoever waits for the
 * certificate wants to know.
 */
export function standsInStalled({ code }: Failure): boolean {
  const { kind, acts } = failures[code]
  return kind !== 'transient' && (kind !== 'blocked' || acts !== 'nobody')
}

/** As the summary of a timer that waits for it: short, for the history cuts long ones in the middle. */
export function awaitedOf({ code }: Failure): string {
  const { acts } = failures[code]
  return acts === 'nobody' ? `${code}, nobody has to act` : `${code}, waits for ${acts}`
}

/** As a part of current details, in Markdown. */
export function headlineOf({ code }: Failure): string {
  const { acts } = failures[code]
  return acts === 'nobody' ? 'Nobody has to act' : `Waiting for ${actors[acts]} to act`
}
