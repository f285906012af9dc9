import { createPrivateKey } from 'node:crypto'
import { acmeClient } from '../../../../activities/clients/acme.ts'
import { createEgress } from '../../../../activities/clients/egress.ts'
import { inPool } from '../../../../tools/check/pool.ts'
import type { World } from '../../support/world.ts'

const AT_A_TIME = 20

/**
 * Gives back authorizations that the account of a ClusterIssuer has proven (RFC 8555 7.5.2). However it is told, Pebble
 * uses one in a hundred again, and an order that has nothing to prove does not do what a test waits for. An order that
 * still needs them is lost.
 */
export async function forgetProofs(
  world: World,
  clusterIssuer: string,
  authorizations: readonly string[],
): Promise<void> {
  const [issuer, secret] = await Promise.all([
    world.get('ClusterIssuer', undefined, clusterIssuer),
    world.get('Secret', 'cert-manager', `${clusterIssuer}-account`),
  ])
  const { server } = (issuer?.spec as { acme: { server: string } }).acme
  const { uri } = issuer?.status?.['acme'] as { uri: string }
  const egress = createEgress({ allowPrivate: true, userAgent: 'certloom-test' })
  const client = acmeClient({
    server: { directoryUrl: server, caPem: world.servers.pebble.caPem, policy: 'cluster' },
    accountKey: createPrivateKey(Buffer.from(secret?.data?.['tls.key'] ?? '', 'base64')),
    accountUrl: uri,
    http: egress,
    userAgent: 'certloom-test',
  })
  try {
    await inPool([...new Set(authorizations)], AT_A_TIME, (url) => client.deactivateAuthorization(url))
  } finally {
    await egress.close()
  }
}
