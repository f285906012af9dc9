import {
  DefaultFailureConverter,
  type Payload,
  type PayloadConverter,
  type ProtoFailure,
} from '@temporalio/common'
import { cutKeyMaterial } from './domain/key-material.ts'

type Context = Parameters<DefaultFailureConverter['errorToFailure']>[2]

/** How failures are freed of secrets on their way into Temporal. */
export interface Redaction {
  text(text: string): string
  payload(payload: Payload): Payload
}

/**
 * Failures as Temporal keeps them: without stack traces, which carry paths of this machine, and without secrets in
 * messages and details. A failure is never refused: it must get through, or the step would be repeated for ever.
 */
export class RedactingFailureConverter extends DefaultFailureConverter {
  readonly #redaction: Redaction

  constructor(redaction: Redaction, options: { encodeCommonAttributes?: boolean } = {}) {
    super({ encodeCommonAttributes: options.encodeCommonAttributes ?? false })
    this.#redaction = redaction
  }

  override errorToFailureInner(
    err: unknown,
    payloadConverter: PayloadConverter,
    context?: Context,
  ): ProtoFailure {
    return this.#redacted(super.errorToFailureInner(err, payloadConverter, context))
  }

  #redacted(failure: ProtoFailure): ProtoFailure {
    const { message, cause, applicationFailureInfo: application, canceledFailureInfo: cancelled } = failure
    const details = (from: { payloads?: Payload[] | null } | null | undefined) =>
      from && { payloads: (from.payloads ?? []).map((payload) => this.#redaction.payload(payload)) }
    return {
      ...failure,
      message: message == null ? message : this.#redaction.text(message),
      stackTrace: '',
      cause: cause && this.#redacted(cause),
      encodedAttributes: failure.encodedAttributes && this.#redaction.payload(failure.encodedAttributes),
      applicationFailureInfo: application && { ...application, details: details(application.details) },
      canceledFailureInfo: cancelled && { ...cancelled, details: details(cancelled.details) },
    }
  }
}

/**
 * The rule of workflow code, which knows no secret by its value: what looks like key material is cut. Details are the
 * codec's business, which the worker applies to everything that a workflow hands out.
 */
export const byForm: Redaction = { text: cutKeyMaterial, payload: (payload) => payload }

/** Used inside workflows; the SDK asks for this name. */
export const failureConverter = new RedactingFailureConverter(byForm)
