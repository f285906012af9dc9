import { Context } from '@temporalio/activity'
import { setTimeout as delay } from 'node:timers/promises'
import type { ActivityDeps } from '../deps.ts'
import { CertloomError } from '../failure.ts'
import { requireReadyIssuer, type IssuerName, type LiveIssuer } from './issuer.ts'

/** How long a verification that is under way usually takes, with the registration of an account; milliseconds. */
const USUAL_MS = 3_000
const BETWEEN_LOOKS_MS = 250

/**
 * The issuer of a Certificate, which is often applied together with it: one that is being verified is waited for in
 * place, so that the ordinary case is no failure in the timeline.
 */
export async function awaitReadyIssuer(deps: ActivityDeps, issuer: IssuerName): Promise<LiveIssuer> {
  for (const end = Date.now() + USUAL_MS; ;) {
    try {
      return await requireReadyIssuer(deps, issuer)
    } catch (error) {
      const isPending = error instanceof CertloomError && error.failure.code === 'IssuerPending'
      if (!isPending || Date.now() >= end) throw error
    }
    await delay(BETWEEN_LOOKS_MS, undefined, { signal: Context.current().cancellationSignal })
  }
}
