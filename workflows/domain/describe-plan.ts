import type { Phase } from './phases.ts'

/** What comes next and when, in words: the answer to the query `plan`. */
export function describePlan(
  state: { phase: Phase; finding: string; renewalTime?: string; paused: boolean },
  renewAsked: boolean,
): string {
  if (renewAsked && state.phase === 'Paused') return 'A renewal was asked for; it starts when the pause ends.'
  switch (state.phase) {
    case 'Deciding':
      return 'Looking at the Certificate to decide what to do.'
    case 'Waiting':
      return state.renewalTime === undefined
        ? 'Nothing until the Certificate changes or somebody asks for a renewal.'
        : `Renew at ${state.renewalTime}, sooner if the Certificate changes or somebody asks for it.`
    case 'Issuing':
      return `An attempt is under way: ${state.finding}`
    case 'Blocked':
      return `Go on when this is mended: ${state.finding}`
    case 'BackingOff':
      return `${state.finding}; at once after a change of the spec or a renew.`
    case 'Paused':
      return 'Nothing until the pause ends.'
    case 'Deleting':
      return 'End when the Certificate is gone and everything is cleaned up.'
  }
}
