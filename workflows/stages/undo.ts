import { CancellationScope, ParentClosePolicy, log, startChild } from '@temporalio/workflow'
import { MAX_CLEAN_UP_MS, MINUTE_OF_TRIES, cleanUpWorkflowId } from '../domain/clean-up.ts'
import type { RecordReference } from '../messages.ts'
import { step } from './steps.ts'

type Compensation = () => Promise<void>

interface Entry {
  name: string
  run: Compensation
  /** Being undone on the straight way, beside the steps that follow. */
  running?: Promise<void>
}

/**
 * What has to be undone, in the order in which it was begun. Each entry is registered before its effect, so it may
 * run for an effect that never was; and it is removed when the effect has been undone on the straight way.
 */
export class Undo {
  readonly #entries: Entry[] = []

  push(name: string, run: Compensation): void {
    this.#entries.push({ name, run })
  }

  settled(name: string): void {
    const at = this.#entries.findIndex((entry) => entry.name === name)
    if (at >= 0) this.#entries.splice(at, 1)
  }

  /** Undoes one entry on the straight way, beside what follows: `undone` waits for it, and `run` does not repeat it. */
  begin(name: string): Promise<void> {
    const entry = this.#entries.find((one) => one.name === name)
    if (entry === undefined) return Promise.resolve()
    entry.running ??= entry.run().then(() => this.settled(name))
    // Whoever waits hears of it; until then an error is nobody's yet.
    entry.running.catch(() => undefined)
    return entry.running
  }

  /** When nothing that was begun is still being undone. */
  async undone(): Promise<void> {
    await Promise.all(this.#entries.flatMap(({ running }) => running ?? []))
  }

  /** Last first, whatever was cancelled; one that fails does not keep the others from running. */
  async run(): Promise<void> {
    await CancellationScope.nonCancellable(async () => {
      for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
        try {
          await (entry.running ?? entry.run())
        } catch (error) {
          log.error('a compensation failed', { compensation: entry.name, error: String(error) })
        }
      }
    })
  }
}

/** Removes the record that an attempt left which nobody remembers. */
export function cleanUpLeftover(
  record: RecordReference,
  owner: { cluster: string; certificate: string },
): Promise<void> {
  return cleanUp(record, owner, `left over, removed: ${record.fqdn}`)
}

/**
 * Removes a challenge record; what does not work within a minute of tries, or is not worth a second one, is handed to a
 * workflow of its own, so that nobody waits for a broken DNS provider and nothing is forgotten. A single try may take as
 * long as its provider lets it: one that was cut short would begin from the start there.
 */
export async function cleanUp(
  record: RecordReference,
  owner: { cluster: string; certificate: string },
  summary: string,
): Promise<void> {
  await CancellationScope.nonCancellable(async () => {
    try {
      await step('cleanUpChallenge', record, {
        summary,
        id: `clean-up/${record.challenge.name}`,
        tries: MINUTE_OF_TRIES,
      })
    } catch (error) {
      log.warn('clean-up handed over', { fqdn: record.fqdn, error: String(error) })
      await startChild('cleanUp', {
        workflowId: cleanUpWorkflowId(record),
        parentClosePolicy: ParentClosePolicy.ABANDON,
        args: [
          {
            v: 1,
            ...owner,
            challenge: { ...record, withOrder: undefined },
            until: new Date(Date.now() + MAX_CLEAN_UP_MS).toISOString(),
          },
        ],
        staticSummary: `remove ${record.fqdn} via ${record.provider}`,
      }).catch((already: unknown) =>
        log.info('a clean-up of this record is under way', { error: String(already) }),
      )
    }
  })
}
