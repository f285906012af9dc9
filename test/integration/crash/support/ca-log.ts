import type { AcmeRequest } from '../../../../tools/observe/acme-proxy.ts'
import type { CellObservation } from './observation.ts'

/** What the CA was asked for a name and those below it, as the proxy before it wrote it down. */
export function atCa(
  requests: readonly AcmeRequest[],
  domain: string,
): Pick<CellObservation, 'orders' | 'finalized' | 'pending'> {
  const orders = requests.filter(({ path, status, payload }) => {
    const { identifiers = [] } = (payload ?? {}) as { identifiers?: { value: string }[] }
    return path === '/order-plz' && status === 201 && identifiers.some(({ value }) => value.endsWith(domain))
  })
  const finalized = requests.filter(({ path, status, payload }) => {
    const { csr } = (payload ?? {}) as { csr?: string }
    // Names stand in a request as they are written (RFC 5280 4.2.1.6, IA5String).
    return (
      path.startsWith('/finalize-order') &&
      status === 200 &&
      Buffer.from(csr ?? '', 'base64url').includes(domain)
    )
  })
  return {
    orders: orders.length,
    finalized: finalized.length,
    pending: orders.filter((order) => isPending(requests, order)).length,
  }
}

/**
 * Whether an order still counts against the account: nobody finalized it, and one of its authorizations was pending
 * when somebody last saw it, or was never looked at (RFC 8555 7.5).
 */
function isPending(requests: readonly AcmeRequest[], { answer }: AcmeRequest): boolean {
  const { finalize, authorizations = [] } = (answer ?? {}) as { finalize?: string; authorizations?: string[] }
  const finalizing = requests.filter(({ path, status }) => path === pathOf(finalize) && status === 200)
  if (finalizing.length > 0) return false
  // One that nothing is known of.
  if (authorizations.length === 0) return true
  return authorizations.some((url) => {
    const last = requests.findLast(({ path, state }) => path === pathOf(url) && state !== undefined)
    return last === undefined || last.state === 'pending'
  })
}

function pathOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).pathname
}
