import {
  CancellationScope,
  allHandlersFinished,
  condition,
  makeContinueAsNewFunc,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow'
import { Alarm } from './alarm.ts'
import { blockedDelay } from './domain/blocked-delay.ts'
import { awaitedOf } from './domain/describe-stall.ts'
import { headline } from './domain/describe-story.ts'
import { parseDoorbell } from './domain/doorbell-messages.ts'
import { failureKind } from './domain/failures.ts'
import { parseTime } from './domain/time-text.ts'
import {
  changedSignal,
  deletedSignal,
  refreshSignal,
  renewSignal,
  type IssuerInput,
  type KnownFacts,
  type WorkflowMemo,
} from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import { showSearchAttributes } from './show-attributes.ts'
import { failureOf, step } from './stages/steps.ts'
import type { IssuerLook } from './activities.ts'

const LONG_RUN_EVENTS = 400

/**
 * The life of one Issuer or ClusterIssuer: verify, register the ACME account, keep the Ready condition true. It looks
 * again when the object or one of its Secrets changes, and by itself while something blocks.
 */
export async function issuer(input: IssuerInput): Promise<void> {
  const root = CancellationScope.current()
  let known = input.known
  let bell = 0
  /** Counts what even a CA that asked for patience may judge otherwise. */
  let news = 0
  let refresh = false
  const ring = () => {
    bell += 1
    news += 1
  }
  const hear = (message: unknown) => {
    bell += 1
    if (isNews(message, known)) news += 1
  }
  setHandler(changedSignal, hear, { description: 'Look at the issuer: it or one of its Secrets changed.' })
  setHandler(deletedSignal, ring, { description: 'Look whether the issuer is gone.' })
  setHandler(renewSignal, ring, { description: 'Verify the issuer again now.' })
  setHandler(
    refreshSignal,
    () => {
      refresh = true
      ring()
    },
    { description: 'Continue as new, to run the newest workflow code.' },
  )
  root.cancelRequested.catch(() => {
    refresh = true
    ring()
  })

  await CancellationScope.nonCancellable(async () => {
    const alarm = new Alarm()
    let remembered = JSON.stringify(known)
    for (let looks = 1; ; looks++) {
      const [seen, seenNews] = [bell, news]
      const look = await verify(input, known)
      // What rang since the look began may be the next issuer of this name: look again before leaving.
      if (!look.exists && bell === seen) return
      if (!look.exists) continue
      known = look.known
      tell(input, look)
      if (JSON.stringify(known) !== remembered) upsertMemo(memoOf(input, known))
      remembered = JSON.stringify(known)

      const kind = look.failure && failureKind(look.failure.code)
      const blocked = kind !== undefined && kind !== 'spec'
      if (!blocked) looks = 0
      const notBefore = parseTime(look.failure?.notBefore) ?? 0
      alarm.set(
        blocked ? Math.max(Date.now() + blockedDelay(looks), notBefore) : undefined,
        look.failure === undefined ? '' : `look again: ${awaitedOf(look.failure)}`,
      )
      await condition(() => (kind === 'later' ? news !== seenNews : bell !== seen) || alarm.fired)
      if (refresh || workflowInfo().historyLength > LONG_RUN_EVENTS) {
        await condition(allHandlersFinished)
        await makeContinueAsNewFunc<typeof issuer>({ memo: memoOf(input, known) })({ ...input, known })
      }
    }
  })
}

/** Another issuer of this name, another spec or another Secret; what does not say so is no news. */
function isNews(message: unknown, known: KnownFacts | undefined): boolean {
  const { uid, generation, cause } = parseDoorbell(message)
  const changed =
    (uid !== undefined && uid !== known?.uid) ||
    (generation !== undefined && generation !== known?.generation)
  return changed || cause !== undefined
}

/** A step that is refused says something about the issuer too: it is shown, and looked at again. */
async function verify(input: IssuerInput, known: KnownFacts | undefined): Promise<IssuerLook> {
  try {
    return await step('verifyIssuer', input, { summary: `${input.kind} ${input.name}: can it issue` })
  } catch (error) {
    const failure = failureOf(error)
    if (failure === undefined) throw error
    return { exists: true, known, ready: false, finding: failure.message, failure }
  }
}

function memoOf(
  { cluster, kind, namespace, name }: IssuerInput,
  known: KnownFacts | undefined,
): WorkflowMemo {
  return { cluster, known, target: { kind, namespace, name } }
}

function tell(input: IssuerInput, look: IssuerLook): void {
  const title = input.namespace === '' ? input.name : `${input.namespace}/${input.name}`
  const what = `**${input.kind} ${title}** is **${look.ready ? 'Ready' : 'not ready'}**`
  setCurrentDetails(headline(what, look.finding, look.failure))
  showSearchAttributes([
    { key: searchAttributes.issuer, value: `${input.kind}/${input.name}`.slice(0, 200) },
    { key: searchAttributes.phase, value: look.ready ? 'Waiting' : 'Blocked' },
    { key: searchAttributes.errorType, value: look.failure?.code ?? '' },
  ])
}
