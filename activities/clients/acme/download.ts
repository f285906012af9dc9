import { readChain, type Chain } from './chain.ts'
import { mediaType } from './headers.ts'
import type { SignedRequest } from './session.ts'
import { linksOf, misbehaviour, type Answer, type Transport } from './transport.ts'

const PEM_CHAIN = 'application/pem-certificate-chain'
/** How many alternate chains are looked at. */
const MAX_ALTERNATES = 10

/**
 * The chain in PEM, leaf first (RFC 8555 7.4.2). Alternates cost a request each: they are fetched only if a chain is
 * preferred and the default is another.
 */
export async function downloadChain(
  transport: Transport,
  post: (request: Omit<SignedRequest, 'identity'>) => Promise<Answer>,
  url: string,
  preferredChain = '',
): Promise<string> {
  const first = await download(url)
  if (preferredChain === '' || first.chain.topIssuers.includes(preferredChain)) return first.chain.pem
  for (const alternate of linksOf(transport, first.answer, 'alternate').slice(0, MAX_ALTERNATES)) {
    const { chain } = await download(alternate)
    if (chain.topIssuers.includes(preferredChain)) return chain.pem
  }
  return first.chain.pem

  async function download(from: string): Promise<{ chain: Chain; answer: Answer }> {
    const answer = await post({ url: from, resource: 'certificate', accept: PEM_CHAIN })
    const type = mediaType(answer.headers)
    if (type !== PEM_CHAIN) {
      throw misbehaviour('certificate', `content type ${type || 'missing'} instead of ${PEM_CHAIN}`)
    }
    return { chain: readChain(answer.body), answer }
  }
}
