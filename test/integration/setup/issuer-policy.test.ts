import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { apiPath } from '../../../k8s-bridge/api/kinds.ts'
import { assertStatus, refusal, TestCluster } from './support/cluster.ts'

const policy = 'issuers.certloom.dev'
const cluster = await TestCluster.open()
after(() => cluster[Symbol.asyncDispose]())

const ref = { name: 'credentials', key: 'token' }
const noKey = { name: 'credentials' }
const pem = Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64')
const acmeServer = { server: 'https://acme.example/directory', privateKeySecretRef: { name: 'account' } }
const acme = (change: object) => ({ acme: { ...acmeServer, ...change } })
const solver = (...solvers: object[]) => acme({ solvers })
const dns01 = (provider: object) => solver({ dns01: provider })
const ingress = (settings: object) => solver({ http01: { ingress: settings } })
const route = (settings: object) => solver({ http01: { gatewayHTTPRoute: settings } })
const vault = (change: object) => ({
  vault: { server: 'https://vault.example', path: 'pki/sign/x', auth: { tokenSecretRef: ref }, ...change },
})
const vaultAuth = (auth: object) => vault({ auth })
const tpp = { url: 'https://tpp.example', credentialsRef: { name: 'tpp' } }

const good: Record<string, object> = {
  'self-signed': { selfSigned: {} },
  ca: { ca: { secretName: 'root', ocspServers: ['http://ocsp.example'] } },
  'acme without solvers': acme({}),
  'acme with a trust bundle': acme({ caBundle: pem }),
  'acme with text before its trust bundle': acme({
    caBundle: Buffer.from(`a\n-----BEGIN X`).toString('base64'),
  }),
  'acme with two bytes before its trust bundle': acme({
    caBundle: Buffer.from(`ab-----BEGIN X`).toString('base64'),
  }),
  'acme without verification': acme({ skipTLSVerify: true }),
  'acme with an external account': acme({ externalAccountBinding: { keyID: 'k', keySecretRef: ref } }),
  'an exec plugin': dns01({
    webhook: { groupName: 'certloom.dev', solverName: 'exec', config: { plugin: 'x' } },
  }),
  'every provider': solver(
    { dns01: { acmeDNS: { host: 'https://dns.example', accountSecretRef: ref } } },
    {
      dns01: {
        akamai: {
          serviceConsumerDomain: 'x',
          clientTokenSecretRef: ref,
          clientSecretSecretRef: ref,
          accessTokenSecretRef: ref,
        },
      },
    },
    {
      dns01: {
        azureDNS: {
          subscriptionID: 's',
          resourceGroupName: 'g',
          clientID: 'c',
          tenantID: 't',
          clientSecretSecretRef: ref,
        },
      },
    },
    {
      dns01: {
        azureDNS: {
          subscriptionID: 's',
          resourceGroupName: 'g',
          managedIdentity: { clientID: 'c', tenantID: 't' },
        },
      },
    },
    {
      dns01: {
        azureDNS: { subscriptionID: 's', resourceGroupName: 'g', managedIdentity: { resourceID: 'r' } },
      },
    },
    { dns01: { cloudDNS: { project: 'p' } } },
    { dns01: { cloudDNS: { project: 'p', serviceAccountSecretRef: ref } } },
    { dns01: { cloudflare: { apiTokenSecretRef: ref } } },
    { dns01: { cloudflare: { apiKeySecretRef: ref, email: 'a@example.com' } } },
    { dns01: { digitalocean: { tokenSecretRef: ref } } },
    { dns01: { rfc2136: { nameserver: '192.0.2.1:5353' } } },
    {
      dns01: {
        rfc2136: {
          nameserver: '[2001:db8::1]',
          tsigKeyName: 'k',
          tsigSecretSecretRef: ref,
          tsigAlgorithm: 'hmacsha512',
        },
      },
    },
    { dns01: { route53: {} } },
    {
      dns01: {
        route53: { accessKeyIDSecretRef: ref, secretAccessKeySecretRef: ref, region: 'eu-central-1' },
      },
    },
  ),
  'every way of HTTP-01': solver(
    { http01: { ingress: {} }, selector: { dnsZones: ['example.com'] } },
    { http01: { ingress: { class: 'azure/application-gateway', serviceType: 'ClusterIP' } } },
    { http01: { ingress: { ingressClassName: 'nginx' } }, waitInsteadOfSelfCheck: '1m30s' },
    { http01: { gatewayHTTPRoute: { parentRefs: [{ name: 'gateway' }], serviceType: 'NodePort' } } },
  ),
  'vault with a token': vault({}),
  'vault with every part': vault({
    caBundleSecretRef: noKey,
    clientCertSecretRef: noKey,
    clientKeySecretRef: noKey,
    auth: { kubernetes: { role: 'r', serviceAccountRef: { name: 'issuer' } } },
  }),
  'vault with an AppRole': vaultAuth({ appRole: { path: 'approle', roleId: 'r', secretRef: ref } }),
  'vault with AWS': vaultAuth({
    aws: { role: 'r', serviceAccountRef: { name: 'issuer' }, iamRoleArn: 'arn' },
  }),
  'venafi tpp': { venafi: { zone: 'z', tpp } },
  'venafi cloud': { venafi: { zone: 'z', cloud: { apiTokenSecretRef: noKey } } },
}

for (const [name, spec] of Object.entries(good)) {
  test(`an Issuer of type ${name} is accepted`, async () => {
    assertStatus(await cluster.create('Issuer', spec), 201)
  })
}

const bad: [name: string, spec: object, message: string][] = [
  ['no type', {}, 'spec has no issuer type: set exactly one of acme, ca, selfSigned, vault, venafi'],
  [
    'two types',
    { ca: { secretName: 'x' }, selfSigned: {} },
    'spec has 2 issuer types (ca, selfSigned): keep one',
  ],
  ['an empty Secret of the CA', { ca: { secretName: '' } }, 'spec.ca.secretName is empty: name the Secret'],
  [
    'an empty responder',
    { ca: { secretName: 'x', ocspServers: [''] } },
    'spec.ca.ocspServers has an empty entry: remove',
  ],
  [
    'an empty URL of the CA',
    { ca: { secretName: 'x', issuingCertificateURLs: ['http://a', ''] } },
    'spec.ca.issuingCertificateURLs has an empty entry',
  ],
  ['no directory', acme({ server: '' }), 'spec.acme.server is empty: set the URL'],
  [
    'no account key',
    acme({ privateKeySecretRef: { name: '' } }),
    'spec.acme.privateKeySecretRef.name is empty: name',
  ],
  [
    'a bundle that is not used',
    acme({ caBundle: pem, skipTLSVerify: true }),
    'spec.acme.caBundle cannot be set beside',
  ],
  ['a bundle without PEM', acme({ caBundle: 'AAAA' }), 'spec.acme.caBundle holds no PEM block: put'],
  [
    'no key id',
    acme({ externalAccountBinding: { keyID: '', keySecretRef: ref } }),
    'spec.acme.externalAccountBinding.keyID is empty: set',
  ],
  [
    'no MAC key',
    acme({ externalAccountBinding: { keyID: 'k', keySecretRef: noKey } }),
    'spec.acme.externalAccountBinding.keySecretRef is not complete: set name and key',
  ],
  ['an empty solver', solver({}), 'spec.acme.solvers[0] needs exactly one of http01 and dns01: add one'],
  [
    'a solver of two types',
    solver({ http01: { ingress: {} } }, { http01: { ingress: {} }, dns01: { route53: {} } }),
    'spec.acme.solvers[1] needs exactly one of http01 and dns01: put the other',
  ],
  [
    'a negative wait',
    solver({ http01: { ingress: {} }, waitInsteadOfSelfCheck: '-1s' }),
    'spec.acme.solvers[0].waitInsteadOfSelfCheck is "-1s": write numbers with units and without a minus sign',
  ],
  [
    'no way of HTTP-01',
    solver({ http01: {} }),
    'spec.acme.solvers[0].http01 needs exactly one of ingress and gatewayHTTPRoute',
  ],
  [
    'two ways of HTTP-01',
    solver({ http01: { ingress: {}, gatewayHTTPRoute: {} } }),
    'spec.acme.solvers[0].http01 needs exactly one of ingress and gatewayHTTPRoute',
  ],
  [
    'two names of an Ingress',
    ingress({ class: 'a', name: 'b' }),
    'spec.acme.solvers[0].http01.ingress has more than one of ingressClassName, class and name: keep one',
  ],
  [
    'a class that is no name',
    ingress({ ingressClassName: 'azure/gateway' }),
    'spec.acme.solvers[0].http01.ingress.ingressClassName is "azure/gateway": write the name',
  ],
  [
    'a Service of a wrong type',
    ingress({ serviceType: 'LoadBalancer' }),
    'spec.acme.solvers[0].http01.ingress.serviceType is "LoadBalancer": use ClusterIP or NodePort',
  ],
  [
    'a Service of a wrong type behind a route',
    route({ serviceType: 'LoadBalancer' }),
    'spec.acme.solvers[0].http01.gatewayHTTPRoute.serviceType is "LoadBalancer": use ClusterIP or NodePort',
  ],
  ['no provider', dns01({}), 'spec.acme.solvers[0].dns01 needs exactly one of acmeDNS, akamai'],
  [
    'two providers',
    dns01({ route53: {}, cloudDNS: { project: 'p' } }),
    'spec.acme.solvers[0].dns01 needs exactly one of acmeDNS',
  ],
  [
    'no acme-dns server',
    dns01({ acmeDNS: { host: '', accountSecretRef: ref } }),
    'spec.acme.solvers[0].dns01.acmeDNS.host is empty',
  ],
  [
    'no acme-dns account',
    dns01({ acmeDNS: { host: 'x', accountSecretRef: noKey } }),
    'spec.acme.solvers[0].dns01.acmeDNS.accountSecretRef is not complete: set name and key',
  ],
  ...(['clientTokenSecretRef', 'clientSecretSecretRef', 'accessTokenSecretRef'] as const).map(
    (field): (typeof bad)[number] => [
      `no Akamai ${field}`,
      dns01({
        akamai: {
          serviceConsumerDomain: 'x',
          clientTokenSecretRef: ref,
          clientSecretSecretRef: ref,
          accessTokenSecretRef: ref,
          [field]: noKey,
        },
      }),
      `spec.acme.solvers[0].dns01.akamai.${field} is not complete: set name and key`,
    ],
  ),
  [
    'no Akamai host',
    dns01({
      akamai: {
        serviceConsumerDomain: '',
        clientTokenSecretRef: ref,
        clientSecretSecretRef: ref,
        accessTokenSecretRef: ref,
      },
    }),
    'spec.acme.solvers[0].dns01.akamai.serviceConsumerDomain is empty',
  ],
  ...(['subscriptionID', 'resourceGroupName'] as const).map((field): (typeof bad)[number] => [
    `no Azure ${field}`,
    dns01({ azureDNS: { subscriptionID: 's', resourceGroupName: 'g', [field]: '' } }),
    `spec.acme.solvers[0].dns01.azureDNS.${field} is empty: set`,
  ]),
  [
    'half an Azure service principal',
    dns01({ azureDNS: { subscriptionID: 's', resourceGroupName: 'g', clientID: 'c' } }),
    'spec.acme.solvers[0].dns01.azureDNS has a service principal that is not complete: set clientID',
  ],
  [
    'two Azure identities',
    dns01({
      azureDNS: {
        ...{
          subscriptionID: 's',
          resourceGroupName: 'g',
          clientID: 'c',
          tenantID: 't',
          clientSecretSecretRef: ref,
        },
        managedIdentity: {},
      },
    }),
    'spec.acme.solvers[0].dns01.azureDNS.managedIdentity cannot be set beside clientID',
  ],
  [
    'an Azure identity named twice',
    dns01({
      azureDNS: {
        subscriptionID: 's',
        resourceGroupName: 'g',
        managedIdentity: { clientID: 'c', resourceID: 'r' },
      },
    }),
    'spec.acme.solvers[0].dns01.azureDNS.managedIdentity.resourceID cannot be set beside clientID',
  ],
  [
    'an Azure tenant alone',
    dns01({ azureDNS: { subscriptionID: 's', resourceGroupName: 'g', managedIdentity: { tenantID: 't' } } }),
    'spec.acme.solvers[0].dns01.azureDNS.managedIdentity.tenantID needs clientID',
  ],
  [
    'no Google project',
    dns01({ cloudDNS: { project: '' } }),
    'spec.acme.solvers[0].dns01.cloudDNS.project is empty: set',
  ],
  [
    'half a Google account',
    dns01({ cloudDNS: { project: 'p', serviceAccountSecretRef: noKey } }),
    'spec.acme.solvers[0].dns01.cloudDNS.serviceAccountSecretRef is not complete',
  ],
  [
    'no Cloudflare token',
    dns01({ cloudflare: {} }),
    'spec.acme.solvers[0].dns01.cloudflare needs exactly one of',
  ],
  [
    'two Cloudflare credentials',
    dns01({ cloudflare: { apiKeySecretRef: ref, apiTokenSecretRef: ref, email: 'x' } }),
    'spec.acme.solvers[0].dns01.cloudflare needs exactly one of apiTokenSecretRef and apiKeySecretRef',
  ],
  [
    'a Cloudflare key without address',
    dns01({ cloudflare: { apiKeySecretRef: ref } }),
    'spec.acme.solvers[0].dns01.cloudflare.email is missing: apiKeySecretRef needs',
  ],
  [
    'half a Cloudflare key',
    dns01({ cloudflare: { apiKeySecretRef: noKey, email: 'x' } }),
    'spec.acme.solvers[0].dns01.cloudflare.apiKeySecretRef is not complete',
  ],
  [
    'half a Cloudflare token',
    dns01({ cloudflare: { apiTokenSecretRef: noKey } }),
    'spec.acme.solvers[0].dns01.cloudflare.apiTokenSecretRef is not complete',
  ],
  [
    'half a DigitalOcean token',
    dns01({ digitalocean: { tokenSecretRef: noKey } }),
    'spec.acme.solvers[0].dns01.digitalocean.tokenSecretRef is not complete',
  ],
  [
    'a name server that is a URL',
    dns01({ rfc2136: { nameserver: 'udp://192.0.2.1' } }),
    'spec.acme.solvers[0].dns01.rfc2136.nameserver is "udp://192.0.2.1": write a host',
  ],
  [
    'an unknown TSIG algorithm',
    dns01({ rfc2136: { nameserver: 'ns.example', tsigAlgorithm: 'HMACSHA3' } }),
    'spec.acme.solvers[0].dns01.rfc2136.tsigAlgorithm is "HMACSHA3": use HMACMD5',
  ],
  [
    'half a TSIG key',
    dns01({ rfc2136: { nameserver: 'ns.example', tsigKeyName: 'k' } }),
    'spec.acme.solvers[0].dns01.rfc2136 needs both tsigKeyName and tsigSecretSecretRef',
  ],
  [
    'the other half of a TSIG key',
    dns01({ rfc2136: { nameserver: 'ns.example', tsigSecretSecretRef: ref } }),
    'spec.acme.solvers[0].dns01.rfc2136 needs both tsigKeyName and tsigSecretSecretRef',
  ],
  [
    'two AWS key ids',
    dns01({ route53: { accessKeyID: 'a', accessKeyIDSecretRef: ref } }),
    'spec.acme.solvers[0].dns01.route53.accessKeyID cannot be set beside accessKeyIDSecretRef',
  ],
  [
    'half an AWS key id',
    dns01({ route53: { accessKeyIDSecretRef: noKey } }),
    'spec.acme.solvers[0].dns01.route53.accessKeyIDSecretRef is not complete',
  ],
  [
    'a webhook without solver',
    dns01({ webhook: { groupName: 'g', solverName: '' } }),
    'spec.acme.solvers[0].dns01.webhook.solverName is empty: set',
  ],
  ['no Vault server', vault({ server: '' }), 'spec.vault.server is empty: set the URL'],
  ['no Vault path', vault({ path: '' }), 'spec.vault.path is empty: set the path'],
  ['a Vault path that leaves', vault({ path: 'pki/../sys/seal' }), 'spec.vault.path has a segment ".."'],
  ['a Vault bundle without PEM', vault({ caBundle: 'AAAA' }), 'spec.vault.caBundle holds no PEM block'],
  [
    'two Vault bundles',
    vault({ caBundle: pem, caBundleSecretRef: noKey }),
    'spec.vault.caBundle cannot be set beside',
  ],
  [
    'a Vault certificate without key',
    vault({ clientCertSecretRef: noKey }),
    'spec.vault.clientKeySecretRef is missing',
  ],
  [
    'a Vault key without certificate',
    vault({ clientKeySecretRef: noKey }),
    'spec.vault.clientCertSecretRef is missing',
  ],
  ['no Vault login', vaultAuth({}), 'spec.vault.auth is empty: set one of tokenSecretRef'],
  [
    'no RoleID',
    vaultAuth({ appRole: { path: 'a', roleId: '', secretRef: ref } }),
    'spec.vault.auth.appRole.roleId is empty: set',
  ],
  [
    'no SecretID',
    vaultAuth({ appRole: { path: 'a', roleId: 'r', secretRef: { name: '' } } }),
    'spec.vault.auth.appRole.secretRef.name is empty: name',
  ],
  [
    'an AppRole path that leaves',
    vaultAuth({ appRole: { path: '..', roleId: 'r', secretRef: ref } }),
    'spec.vault.auth.appRole.path has a segment ".."',
  ],
  [
    'a certificate path that leaves',
    vaultAuth({ clientCertificate: { mountPath: '/v1/../x' } }),
    'spec.vault.auth.clientCertificate.mountPath has a segment ".."',
  ],
  [
    'no Vault role',
    vaultAuth({ kubernetes: { role: '', secretRef: ref } }),
    'spec.vault.auth.kubernetes.role is empty: set',
  ],
  [
    'a Kubernetes path that leaves',
    vaultAuth({ kubernetes: { role: 'r', secretRef: ref, mountPath: '/v1/..' } }),
    'spec.vault.auth.kubernetes.mountPath has a segment ".."',
  ],
  [
    'no Kubernetes token',
    vaultAuth({ kubernetes: { role: 'r' } }),
    'spec.vault.auth.kubernetes needs exactly one of secretRef and serviceAccountRef',
  ],
  [
    'an account without name',
    vaultAuth({ kubernetes: { role: 'r', serviceAccountRef: { name: '' } } }),
    'spec.vault.auth.kubernetes.serviceAccountRef.name is empty: name a ServiceAccount',
  ],
  [
    'an AWS path that leaves',
    vaultAuth({ aws: { role: 'r', mountPath: '../x' } }),
    'spec.vault.auth.aws.mountPath has a segment ".."',
  ],
  [
    'an AWS account without name',
    vaultAuth({ aws: { role: 'r', iamRoleArn: 'arn', serviceAccountRef: { name: '' } } }),
    'spec.vault.auth.aws.serviceAccountRef.name is empty: name a ServiceAccount',
  ],
  [
    'an AWS account without role',
    vaultAuth({ aws: { role: 'r', serviceAccountRef: { name: 'issuer' } } }),
    'spec.vault.auth.aws.iamRoleArn is missing: serviceAccountRef needs',
  ],
  ['no Venafi zone', { venafi: { zone: '', tpp } }, 'spec.venafi.zone is empty: set'],
  ['no Venafi URL', { venafi: { zone: 'z', tpp: { ...tpp, url: '' } } }, 'spec.venafi.tpp.url is empty: set'],
  [
    'a Venafi bundle without PEM',
    { venafi: { zone: 'z', tpp: { ...tpp, caBundle: 'AAAA' } } },
    'spec.venafi.tpp.caBundle holds no PEM block',
  ],
  [
    'two Venafi bundles',
    { venafi: { zone: 'z', tpp: { ...tpp, caBundle: pem, caBundleSecretRef: noKey } } },
    'spec.venafi.tpp.caBundle cannot be set beside',
  ],
  [
    'no Venafi group',
    { venafi: { zone: 'z', ngts: { tsgID: '', credentialsRef: noKey } } },
    'spec.venafi.ngts.tsgID is empty: set',
  ],
  [
    'no Venafi credentials',
    { venafi: { zone: 'z', ngts: { tsgID: 't', credentialsRef: { name: '' } } } },
    'spec.venafi.ngts.credentialsRef.name is empty: name',
  ],
]

for (const [name, spec, message] of bad) {
  test(`an Issuer with ${name} is refused, the field first and the remedy after it`, async () => {
    const answer = await cluster.create('Issuer', spec)
    assertStatus(answer, 422)
    const words = refusal(answer, policy)
    assert.ok(words.startsWith(message), words)
    assert.ok(!words.includes('; '), `says more than is wrong: ${words}`)
  })
}

test('a ClusterIssuer follows the same rules', async () => {
  assert.match(refusal(await cluster.create('ClusterIssuer', {}), policy), /^spec has no issuer type/)
  assertStatus(await cluster.create('ClusterIssuer', { selfSigned: {} }), 201)
})

test('several wrong solvers are told in one answer', async () => {
  const wrong = { dns01: { cloudflare: { apiKeySecretRef: noKey } } }
  const words = refusal(
    await cluster.create('Issuer', solver({ dns01: { route53: {} } }, wrong, {}, wrong)),
    policy,
  )
  assert.match(
    words,
    /^spec\.acme\.solvers\[1\]\.dns01\.cloudflare\.email is missing.*, \.dns01\.cloudflare\.apiKeySecretRef/,
  )
  assert.match(words, /\(and 2 more solvers\)$/)
})

test('two hundred solvers are checked within the cost that the API server allows', async () => {
  const solvers = Array.from({ length: 200 }, (_, index) => ({
    selector: { dnsZones: [`zone-${index}.example.com`] },
    dns01: { webhook: { groupName: 'certloom.dev', solverName: 'exec' } },
  }))
  assertStatus(await cluster.create('Issuer', solver(...solvers)), 201)
})

test('a change of labels passes, a change of spec follows the rules', async () => {
  const path = apiPath('Issuer', cluster.namespace, 'changes')
  assertStatus(await cluster.create('Issuer', { selfSigned: {} }, 'changes'), 201)
  assertStatus(await cluster.merge(path, { metadata: { labels: { team: 'a' } } }), 200)
  const words = refusal(await cluster.merge(path, { spec: { ca: { secretName: 'x' } } }), policy)
  assert.match(words, /^spec has 2 issuer types \(ca, selfSigned\)/)
})
