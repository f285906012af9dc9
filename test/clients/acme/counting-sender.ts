import type { HttpSender } from '../../../activities/clients/acme.ts'
import { createEgress } from '../../../activities/clients/egress.ts'

const egress = createEgress({ allowPrivate: true, userAgent: 'certloom/test' })

/** The real egress, counted. */
export interface CountingSender extends HttpSender {
  /** "METHOD path" of every request in order. */
  readonly sent: string[]
}

export function countingSender(): CountingSender {
  const sent: string[] = []
  return {
    sent,
    request(request) {
      sent.push(`${request.method} ${new URL(request.url).pathname}`)
      return egress.request(request)
    },
  }
}
