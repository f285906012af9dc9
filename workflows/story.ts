import { setCurrentDetails, upsertMemo } from '@temporalio/workflow'
import type { SearchAttributePair } from '@temporalio/common'
import type { CertificateSummary, ExistingLook } from './activities.ts'
import type { Failure } from './domain/failures.ts'
import { describeStory } from './domain/describe-story.ts'
import type { Phase } from './domain/phases.ts'
import { searchNames } from './domain/search-names.ts'
import type { CertificateInput, KnownFacts, WorkflowMemo } from './messages.ts'
import { searchAttributes } from './search-attributes.ts'
import { showSearchAttributes } from './show-attributes.ts'

export interface StoryState {
  phase: Phase
  finding: string
  failure?: Failure
  issuer: string
  /** Who proves the names to an ACME server; unknown until this run has made an order. */
  solver?: string
  names: string[]
  /** How many names there are besides `names`. */
  moreNames: number
  revision: number
  failures: number
  paused: boolean
  certificate?: CertificateSummary
  renewalTime?: string
}

/**
 * What people see of a run: current details, search attributes and the memo that the bridge reads. Attributes and
 * memo are written together and only where they changed, in the task that ends a stage.
 */
export class Story {
  readonly #input: CertificateInput
  #known: KnownFacts | undefined
  #shown = ''
  #shownKnown: string
  state: StoryState

  constructor(input: CertificateInput, paused: boolean) {
    this.#input = input
    this.#known = input.known
    this.#shownKnown = JSON.stringify(input.known ?? null)
    this.state = {
      phase: 'Deciding',
      finding: 'looking at the Certificate',
      issuer: '',
      names: [],
      moreNames: 0,
      revision: 0,
      failures: 0,
      paused,
    }
    this.#details()
  }

  get known(): KnownFacts | undefined {
    return this.#known
  }

  learn(known: KnownFacts): void {
    this.#known = known
  }

  see(look: ExistingLook): void {
    this.learn(look.known)
    const { issuer, names, moreNames, revision, failures, certificate, renewalTime } = look
    Object.assign(this.state, { issuer, names, moreNames, revision, failures, certificate, renewalTime })
  }

  /** `failure` only where somebody has to act. */
  tell(phase: Phase, finding: string, failure?: Failure): void {
    Object.assign(this.state, { phase, finding, failure })
    this.#details()
    this.#attributes()
  }

  memo(): WorkflowMemo {
    const { cluster, namespace, name } = this.#input
    return { cluster, known: this.#known, target: { kind: 'Certificate', namespace, name } }
  }

  #details(): void {
    const { state } = this
    setCurrentDetails(describeStory({ ...state, title: `${this.#input.namespace}/${this.#input.name}` }))
  }

  #attributes(): void {
    const { state } = this
    const pairs: SearchAttributePair[] = [
      { key: searchAttributes.namespace, value: this.#input.namespace },
      { key: searchAttributes.name, value: this.#input.name.slice(0, 200) },
      { key: searchAttributes.issuer, value: state.issuer.slice(0, 200) },
      { key: searchAttributes.phase, value: state.phase },
      { key: searchAttributes.errorType, value: state.failure?.code ?? '' },
      { key: searchAttributes.dnsNames, value: searchNames(state.names, state.moreNames) },
      { key: searchAttributes.failures, value: state.failures },
      { key: searchAttributes.revision, value: state.revision },
      { key: searchAttributes.paused, value: state.phase === 'Paused' },
    ]
    if (state.solver !== undefined)
      pairs.push({ key: searchAttributes.solver, value: state.solver.slice(0, 200) })
    if (state.certificate)
      pairs.push({ key: searchAttributes.notAfter, value: new Date(state.certificate.notAfter) })
    if (state.renewalTime)
      pairs.push({ key: searchAttributes.nextRenewal, value: new Date(state.renewalTime) })
    const shown = JSON.stringify(pairs)
    if (shown !== this.#shown) {
      showSearchAttributes(pairs)
      this.#shown = shown
    }
    const known = JSON.stringify(this.#known ?? null)
    if (known !== this.#shownKnown) {
      upsertMemo({ ...this.memo() })
      this.#shownKnown = known
    }
  }
}
