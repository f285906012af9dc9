import { STATUS_CODES } from 'node:http'
import type { Dispatcher } from 'undici'
import { KubernetesError, type Status } from './error.ts'
import type { Call } from './transport.ts'

/** The error that an answer with a status of 400 or more stands for. Reads the body to its end. */
export async function errorOf(call: Call, answer: Dispatcher.ResponseData): Promise<KubernetesError> {
  const status = parseStatus(await answer.body.text())
  const code = answer.statusCode
  return new KubernetesError(
    {
      status: code,
      reason: status?.reason ?? STATUS_CODES[code]?.replaceAll(' ', '') ?? 'Unknown',
      message: status?.message ?? withoutStatus(code),
      method: call.method,
      path: call.path,
      retryAfterSeconds: retryAfter(answer.headers['retry-after']) ?? status?.details?.retryAfterSeconds,
      isPreconditionFailed: isFailedTest(call, code, status) || isOtherUid(code, status),
    },
    { secrets: secretsOf(call) },
  )
}

/** True for a 404 that means this object and not a resource that the server does not serve. */
export function isMissingObject(error: unknown): boolean {
  return error instanceof KubernetesError && error.status === 404 && error.message !== withoutStatus(404)
}

export function parseStatus(text: string): Status | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status')
      return value as Status
  } catch {
    // A proxy's page, or the bare "404 page not found" of a path that is not served.
  }
  return undefined
}

function withoutStatus(code: number): string {
  if (code === 404)
    return 'the API server does not serve this resource: is its CustomResourceDefinition installed?'
  return `HTTP ${code} ${STATUS_CODES[code] ?? ''}`.trim()
}

/** The server reports a failed `test` like any other patch that it cannot carry out, without causes. */
function isFailedTest(call: Call, code: number, status: Status | undefined): boolean {
  return (
    code === 422 &&
    call.headers?.['content-type'] === 'application/json-patch+json' &&
    call.body?.includes('"op":"test"') === true &&
    (status?.details?.causes?.length ?? 0) === 0
  )
}

function isOtherUid(code: number, status: Status | undefined): boolean {
  return code === 409 && /UID in (the )?precondition/.test(status?.message ?? '')
}

function retryAfter(header: string | string[] | undefined): number | undefined {
  if (typeof header !== 'string') return undefined
  if (/^\d+$/.test(header)) return Number(header)
  const at = Date.parse(header)
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}

/** Values of a Secret that the call carried: the server quotes invalid ones in its message. */
function secretsOf(call: Call): string[] {
  if (call.body === undefined || !/\/secrets(\/|$)/.test(call.path)) return []
  const found: string[] = []
  const body: unknown = JSON.parse(call.body)
  if (Array.isArray(body)) {
    for (const operation of body as { path?: string; value?: unknown }[])
      if (/^(\/data|\/stringData|$)/.test(operation.path ?? '')) collect(operation.value, found)
  } else {
    const { data, stringData } = body as { data?: unknown; stringData?: unknown }
    collect(data, found)
    collect(stringData, found)
  }
  return found
}

function collect(value: unknown, found: string[]): void {
  if (typeof value === 'string') found.push(value, Buffer.from(value, 'base64').toString('utf8'))
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) collect(inner, found)
}
