import { LocalProcess, type ProcessDefinition, type ProcessEvents } from './managed-process.ts'
import type { Supervisor } from './supervisor.ts'

/**
 * A server that others keep a copy of: wiping it alone would leave them with objects that no longer exist, so they are
 * stopped before and started after.
 */
export class StoreProcess extends LocalProcess {
  readonly #dependents: () => LocalProcess[]

  /** `dependents` in the order in which they are stopped. */
  constructor(
    supervisor: Supervisor,
    definition: ProcessDefinition,
    events: ProcessEvents,
    dependents: () => LocalProcess[],
  ) {
    super(supervisor, definition, events)
    this.#dependents = dependents
  }

  override async wipe(): Promise<void> {
    const running = this.#dependents().filter(({ stopped }) => !stopped)
    for (const dependent of running) await dependent.halt()
    await super.wipe()
    for (const dependent of running.toReversed()) await dependent.start()
  }
}
