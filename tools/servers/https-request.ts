import { request, type RequestOptions } from 'node:https'
import { text } from 'node:stream/consumers'

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/** One request on a connection of its own, given up after five seconds; `options` carries ca, cert, key, method. */
export function httpsRequest(url: string, options: RequestOptions, body?: string): Promise<HttpsAnswer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      { agent: false, signal: AbortSignal.timeout(5_000), ...options },
      (response) => {
        text(response).then(
          (received) => resolve({ status: response.statusCode ?? 0, body: received }),
          reject,
        )
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}
