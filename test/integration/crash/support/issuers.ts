import { issuerReady, selfSignedIssuer } from '../../certificate/support/operator.ts'
import type { World } from '../../support/world.ts'

/** Makes an issuer of every path that is Ready: `self`, `ca`, and the ClusterIssuer of the site. Returns the CA's root, PEM. */
export async function makeIssuers(world: World, namespace: string, acme: string): Promise<string> {
  await selfSignedIssuer(world, namespace)
  await world.certificate(namespace, 'root', { isCA: true, commonName: 'root', issuerRef: { name: 'self' } })
  await world.ready(namespace, 'root', { seconds: 60 })
  const spec = { ca: { secretName: 'root-tls' } }
  await world.apply('Issuer', { metadata: { namespace, name: 'ca' }, spec })
  await issuerReady(world, namespace, 'ca')
  await world.until(`ClusterIssuer ${acme} Ready`, 60, async () => {
    const issuer = await world.get('ClusterIssuer', undefined, acme)
    return issuer?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
  })
  const root = await world.get('Secret', namespace, 'root-tls')
  return Buffer.from(root?.data?.['tls.crt'] ?? '', 'base64').toString()
}
