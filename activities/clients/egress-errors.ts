import { errors } from 'undici'

const unknownAuthority = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
])

const causes: Record<string, (peer: string) => string> = {
  ECONNREFUSED: (peer) => `connection refused by ${peer}`,
  ECONNRESET: (peer) => `connection closed by ${peer}`,
  UND_ERR_SOCKET: (peer) => `connection closed by ${peer}`,
  EPIPE: (peer) => `connection closed by ${peer}`,
  EHOSTUNREACH: (peer) => `no route to ${peer}`,
  ENETUNREACH: (peer) => `no route to ${peer}`,
  ETIMEDOUT: (peer) => `no connection to ${peer} in time`,
  UND_ERR_CONNECT_TIMEOUT: (peer) => `no connection to ${peer} in time`,
  UND_ERR_HEADERS_TIMEOUT: (peer) => `no answer from ${peer} in time`,
  UND_ERR_BODY_TIMEOUT: (peer) => `no complete answer from ${peer} in time`,
  UND_ERR_HEADERS_OVERFLOW: (peer) => `${peer} sent headers that are too large`,
  ENOTFOUND: (peer) => `the host of ${peer} does not exist in DNS`,
  ENODATA: (peer) => `the host of ${peer} has no address in DNS`,
  EAI_AGAIN: (peer) => `the host of ${peer} cannot be looked up: DNS does not answer`,
  CERT_HAS_EXPIRED: (peer) => `the serving certificate of ${peer} has expired`,
  CERT_NOT_YET_VALID: (peer) => `the serving certificate of ${peer} is not valid yet`,
  ERR_TLS_CERT_ALTNAME_INVALID: (peer) => `the serving certificate of ${peer} is for another name`,
  EPROTO: (peer) => `${peer} does not speak TLS as expected`,
  ERR_SSL_WRONG_VERSION_NUMBER: (peer) => `${peer} does not speak TLS`,
}

/** What went wrong on the way to `peer` (host:port), for people. */
export function causeOf(error: unknown, peer: string, hasBundle: boolean): string {
  if (error instanceof errors.HTTPParserError) return `${peer} does not speak HTTP`
  const code = codeOf(error)
  if (code === undefined) return `request to ${peer} failed`
  if (unknownAuthority.has(code)) {
    const what = `${peer}: certificate signed by unknown authority`
    return `${what}: ${hasBundle ? 'spec.acme.caBundle does not hold its root' : 'set spec.acme.caBundle'}`
  }
  return causes[code]?.(peer) ?? `request to ${peer} failed: ${code}`
}

function codeOf(error: unknown): string | undefined {
  // Several addresses were tried: the first failure stands for all.
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined ? undefined : codeOf(cause)
}
