import { ApplicationFailure, type Payload, type PayloadCodec } from '@temporalio/common'
import { describeFailure, type Failure } from '../../workflows/domain/failures.ts'
import { redactedPayload, secretIn } from './payload-text.ts'

export interface GuardOptions {
  /** Whether who hands a payload over now can be told no: a client's call, an activity with its result. */
  mayRefuse: () => boolean
  /** Told of every secret that was kept out, in words that hold nothing of it. */
  onSecret: (found: string) => void
}

/**
 * The one way into Temporal: arguments, results, heartbeats, memos, summaries, details and answers of worker and client
 * all come through here, before they are encrypted. What holds key material or a secret that this process has read is
 * refused with the failure `SecretRefused`, which is not retried. A workflow task or a heartbeat cannot be refused:
 * Temporal would repeat it for ever. Such a payload goes on with "[secret]" in the place of the secret; a workflow has
 * one only where a person has put it into a message.
 *
 * Search attributes and ids do not pass a codec; see workflows/show-attributes.ts.
 */
export class GuardCodec implements PayloadCodec {
  readonly #options: GuardOptions

  constructor(options: GuardOptions) {
    this.#options = options
  }

  encode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve().then(() => payloads.map((payload) => this.#checked(payload)))
  }

  decode(payloads: Payload[]): Promise<Payload[]> {
    return Promise.resolve(payloads)
  }

  #checked(payload: Payload): Payload {
    const found = secretIn(payload)
    if (found === undefined) return payload
    this.#options.onSecret(found)
    if (this.#options.mayRefuse()) throw refused(found)
    return redactedPayload(payload)
  }
}

function refused(found: string): ApplicationFailure {
  const failure: Failure = { code: 'SecretRefused', message: `Refused to hand ${found} to Temporal` }
  return ApplicationFailure.create({
    message: describeFailure(failure),
    type: failure.code,
    nonRetryable: true,
    details: [failure],
  })
}
