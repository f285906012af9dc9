import { CertloomError } from '../failure.ts'

/**
 * Reads a URL that came from outside.
 *
 * @throws CertloomError InvalidSpec that names `field`.
 */
export function parseUrl(text: string, field: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) throw new CertloomError('InvalidSpec', `${field}: not a URL`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new CertloomError('InvalidSpec', `${field}: ${url.protocol} is not https: or http:`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new CertloomError(
      'InvalidSpec',
      `${field}: the URL for ${url.host} must not hold a user or password`,
    )
  }
  return url
}

/** The Location of a redirect that is followed; what changes something is not sent elsewhere. */
export function redirectTarget(
  answer: { status: number; headers: Record<string, string> },
  method: string,
): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(answer.status)
  return isRedirect && (method === 'GET' || method === 'HEAD') ? answer.headers.location : undefined
}

/** @throws CertloomError CaUnreachable for no URL, InvalidSpec for another scheme or a way from https to http. */
export function redirectUrl(target: string, from: URL, field: string): URL {
  if (!URL.canParse(target, from.href)) {
    throw new CertloomError('CaUnreachable', `${from.host} redirects to something that is not a URL`)
  }
  const url = parseUrl(new URL(target, from).href, `${field}, redirected by ${from.host}`)
  if (url.protocol === 'http:' && from.protocol === 'https:') {
    throw new CertloomError(
      'InvalidSpec',
      `${field}: ${from.host} redirects from https to http, at ${url.host}`,
    )
  }
  return url
}

/** Headers for another origin (RFC 9110 section 15.4). */
export function withoutCredentials(headers: Record<string, string> = {}): Record<string, string> {
  const credentials = ['authorization', 'cookie', 'proxy-authorization']
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !credentials.includes(name.toLowerCase())),
  )
}
