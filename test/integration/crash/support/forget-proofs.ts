import { createPrivateKey } from 'node:crypto'
import { acmeClient } from '../../../../activities/clients/acme.ts'
import { createEgress } from '../../../../activities/clients/egress.ts'
import { inPool } from '../../../../tools/check/pool.ts'
import type { AcmeSite } from '../../acme/support/acme-world.ts'
import type { World } from '../../support/world.ts'

const AT_A_TIME = 20

/**
 * Gives back every authorization that the account of a site has proven (RFC 8555 7.5.2). However it is told, Pebble uses
 * one in a hundred again, and an order that has nothing to prove passes no point between order and finalize.
 */
export async function forgetProofs(world: World, { name, proxy }: AcmeSite): Promise<void> {
  const [issuer, secret] = await Promise.all([
    world.get('ClusterIssuer', undefined, name),
    world.get('Secret', 'cert-manager', `${name}-account`),
  ])
  const account = issuer?.status?.['acme'] as { uri: string }
  const egress = createEgress({ allowPrivate: true, userAgent: 'certloom-test' })
  const client = acmeClient({
    server: { directoryUrl: proxy.directoryUrl, caPem: world.servers.pebble.caPem, policy: 'cluster' },
    accountKey: createPrivateKey(Buffer.from(secret?.data?.['tls.key'] ?? '', 'base64')),
    accountUrl: account.uri,
    http: egress,
    userAgent: 'certloom-test',
  })
  const proven = proxy.to('authZ').filter(({ state }) => state === 'valid')
  const urls = new Set(proven.map(({ path }) => new URL(path, proxy.directoryUrl).href))
  try {
    await inPool([...urls], AT_A_TIME, (url) => client.deactivateAuthorization(url))
  } finally {
    await egress.close()
  }
}
