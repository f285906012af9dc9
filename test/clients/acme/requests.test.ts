import assert from 'node:assert/strict'
import { createHash, createHmac, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { test } from 'node:test'
import { acmeClient, acmeClients } from '../../../activities/clients/acme.ts'
import { countingSender } from './counting-sender.ts'
import { accountKey, clientOf, failureOf, NOW } from './setup.ts'
import { TinyCa, token } from './tiny-ca.ts'

const dns = (value: string) => ({ type: 'dns' as const, value })
const names = [dns('www.example.com')]

function thumbprintOf(key: KeyObject): string {
  const { crv, kty, x, y } = createPublicKey(key).export({ format: 'jwk' })
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url')
}

test('one name takes seven requests once directory, nonce and account are there', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  assert.deepEqual(ca.log, ['GET /directory', 'HEAD /nonce', 'POST /account'])
  const order = await client.newOrder({ identifiers: names })
  const { challenges } = await client.authorization(order.authorizations[0]!)
  await client.answer(challenges[0]!.url)
  await client.authorization(order.authorizations[0]!)
  await client.finalize(order.finalize, Buffer.from('csr'))
  const { certificate } = await client.order(order.url)
  await client.certificate(certificate!)
  assert.deepEqual(ca.log.slice(3), [
    'POST /order',
    'POST /authz/1',
    'POST /challenge/1',
    'POST /authz/1',
    'POST /finalize/1',
    'POST /order/1',
    'POST /certificate/1',
  ])
})

test('every kind of account key signs so that the server can verify it', async () => {
  await using ca = await TinyCa.start()
  const keys = [
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
    generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    generateKeyPairSync('ed25519'),
  ]
  for (const { privateKey } of keys) {
    const client = acmeClient({
      server: ca.server,
      accountKey: privateKey,
      http: countingSender(),
      userAgent: 'certloom/test',
    })
    await client.register({})
    await client.newOrder({ identifiers: names })
  }
  const algorithms = ca.seen
    .filter(({ path }) => path === '/order')
    .map(({ protectedHeader }) => protectedHeader.alg)
  assert.deepEqual(algorithms, ['RS256', 'ES384', 'ES512', 'EdDSA'])
})

test('an account key that ACME cannot use is refused before anything is sent', async () => {
  await using ca = await TinyCa.start()
  for (const [key, why] of [
    [generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey, /1024 bits/],
    [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey, /secp256k1/],
    [generateKeyPairSync('x25519').privateKey, /x25519/],
  ] as const) {
    const client = acmeClient({
      server: ca.server,
      accountKey: key,
      http: countingSender(),
      userAgent: 'certloom/test',
    })
    const { failure } = await failureOf(client.register({}))
    assert.equal(failure.code, 'SecretInvalid')
    assert.match(failure.message, why)
  }
  assert.deepEqual(ca.log, [])
})

test('every request names the software and asks for English; reading is a signed POST without payload', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  await client.order(`${ca.base}/order/1`)
  for (const headers of ca.headers) {
    assert.equal(headers['user-agent'], 'certloom/test')
    assert.equal(headers['accept-language'], 'en')
  }
  assert.equal(ca.seen.at(-1)!.payload, undefined)
})

test('registration agrees to the terms, sends the contact, and tells a new account from a known one', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  const created = await client.register({ contact: ['mailto:a@example.com'] })
  assert.deepEqual(ca.seen[0]!.payload, { termsOfServiceAgreed: true, contact: ['mailto:a@example.com'] })
  assert.equal(created.url, `${ca.base}/account/1`)
  assert.equal(created.created, true)
  ca.next('/account', { status: 200, headers: { location: created.url }, body: { status: 'valid' } })
  assert.equal((await client.register({})).created, false)
})

test('external account binding signs the account key with the MAC key of the CA', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  const hmacKey = Buffer.from('a-mac-key-of-the-ca')
  await client.register({ eab: { keyId: 'kid-1', hmacKey } })
  const { payload, protectedHeader } = ca.seen[0]!
  const binding = payload!.externalAccountBinding as { protected: string; payload: string; signature: string }
  const mac = createHmac('sha256', hmacKey)
    .update(`${binding.protected}.${binding.payload}`)
    .digest('base64url')
  assert.equal(binding.signature, mac)
  const decoded = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as unknown
  assert.deepEqual(decoded(binding.protected), { alg: 'HS256', kid: 'kid-1', url: `${ca.base}/account` })
  assert.deepEqual(decoded(binding.payload), protectedHeader.jwk)
  assert.equal('d' in protectedHeader.jwk!, false)
})

test('an account that is not valid any more is an account problem', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  ca.next('/account', {
    status: 200,
    headers: { location: `${ca.base}/account/1` },
    body: { status: 'deactivated' },
  })
  const { failure } = await failureOf(client.register({}))
  assert.equal(failure.code, 'AccountProblem')
  assert.match(failure.message, /is deactivated/)
})

test('an account is looked up by its key once, by whoever needs it first', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  await Promise.all([client.order(`${ca.base}/order/1`), client.order(`${ca.base}/order/1`)])
  assert.deepEqual(ca.seen[0]!.payload, { onlyReturnExisting: true })
  assert.equal(ca.seen.filter(({ path }) => path === '/account').length, 1)
  assert.deepEqual(
    ca.seen.slice(1).map(({ protectedHeader }) => protectedHeader.kid),
    Array(2).fill(`${ca.base}/account/1`),
  )
})

test('an account that the CA does not know is found to be missing', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  const unknown = {
    status: 400,
    body: { type: 'urn:ietf:params:acme:error:accountDoesNotExist', detail: 'unknown key' },
  }
  ca.next('/account', unknown, unknown)
  assert.equal(await client.findAccount(), undefined)
  const { failure } = await failureOf(client.order(`${ca.base}/order/1`))
  assert.equal(failure.code, 'AccountProblem')
})

test('an account URL that the CA forgot is looked up again by the next call', async () => {
  await using ca = await TinyCa.start()
  const accountUrl = `${ca.base}/account/old`
  const client = acmeClient({
    server: ca.server,
    accountKey,
    accountUrl,
    http: countingSender(),
    userAgent: 'certloom/test',
  })
  const { failure } = await failureOf(client.order(`${ca.base}/order/1`))
  assert.equal(failure.code, 'AccountProblem')
  assert.equal((await client.order(`${ca.base}/order/1`)).status, 'valid')
})

test('a changed contact goes to the account itself', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const account = await client.updateAccount({ contact: ['mailto:a@example.com'] })
  assert.deepEqual(account.contact, ['mailto:a@example.com'])
  assert.deepEqual(ca.seen.at(-1)!.payload, { contact: ['mailto:a@example.com'] })
  assert.equal(ca.seen.at(-1)!.protectedHeader.kid, account.url)
})

test('an order names each identifier once, in the form of its RFC', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  await client.newOrder({
    identifiers: [
      dns('WWW.example.com'),
      dns('www.example.com'),
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:DB8:0:0:0:0:0:1' },
    ],
    notAfter: '2026-04-01T00:00:00Z',
  })
  assert.deepEqual(ca.seen.at(-1)!.payload, {
    identifiers: [
      { type: 'dns', value: 'www.example.com' },
      { type: 'ip', value: '192.0.2.1' },
      { type: 'ip', value: '2001:db8::1' },
    ],
    notAfter: '2026-04-01T00:00:00Z',
  })
})

test('a value that is no identifier of its type is refused before anything is sent', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const sent = ca.log.length
  for (const identifier of [
    dns('192.0.2.1'),
    dns('müller.example'),
    dns(''),
    { type: 'ip' as const, value: 'www.example.com' },
    { type: 'ip' as const, value: 'fe80::1%eth0' },
  ]) {
    assert.equal(
      (await failureOf(client.newOrder({ identifiers: [identifier] }))).failure.code,
      'NameNotOrderable',
    )
  }
  assert.equal((await failureOf(client.newOrder({ identifiers: [] }))).failure.code, 'NoNames')
  assert.equal(ca.log.length, sent)
})

test('replaces is sent only to a server that has renewal information', async () => {
  await using ca = await TinyCa.start()
  const plain = await clientOf(ca)
  await plain.newOrder({ identifiers: names, replaces: 'AQ.Ag' })
  assert.equal('replaces' in ca.seen.at(-1)!.payload!, false)
  ca.always('/directory', { body: ca.directory({ renewalInfo: `${ca.base}/renewal` }) })
  const able = await clientOf(ca)
  await able.newOrder({ identifiers: names, replaces: 'AQ.Ag' })
  assert.equal(ca.seen.at(-1)!.payload!.replaces, 'AQ.Ag')
})

test('renewal information is a plain GET by certificate id, and absent where the server has none', async () => {
  await using ca = await TinyCa.start()
  assert.equal(await (await clientOf(ca)).renewalInfo('AQ.Ag'), undefined)
  ca.always('/directory', { body: ca.directory({ renewalInfo: `${ca.base}/renewal/` }) })
  const suggestedWindow = { start: '2026-04-01T00:00:00Z', end: '2026-04-02T00:00:00Z' }
  ca.always('/renewal/AQ.Ag', { headers: { 'retry-after': '21600' }, body: { suggestedWindow } })
  const info = await (await clientOf(ca)).renewalInfo('AQ.Ag')
  assert.deepEqual(info, { suggestedWindow, retryAfterMs: 21_600_000 })
  assert.equal(ca.log.at(-1), 'GET /renewal/AQ.Ag')
})

test('a profile is sent if the directory offers it; if not, the refusal names what is offered', async () => {
  await using ca = await TinyCa.start()
  let now = NOW
  const client = await clientOf(ca, { now: () => now })
  ca.always('/directory', {
    body: ca.directory({ meta: { profiles: { shortlived: 'six days', classic: 'ninety' } } }),
  })
  now += 61_000
  await client.newOrder({ identifiers: names, profile: 'shortlived' })
  assert.equal(ca.seen.at(-1)!.payload!.profile, 'shortlived')
  const { failure } = await failureOf(client.newOrder({ identifiers: names, profile: 'toString' }))
  assert.equal(failure.code, 'OrderRejected')
  assert.equal(failure.message, 'profile toString is unknown: the server offers shortlived, classic')
})

test('the directory is fetched once an hour, once for all accounts of a server, and once for two callers', async () => {
  await using ca = await TinyCa.start()
  let now = NOW
  const clients = acmeClients({ http: countingSender(), userAgent: 'certloom/test', now: () => now })
  const first = clients.client({ server: ca.server, accountKey })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const second = clients.client({ server: ca.server, accountKey: other })
  const directories = () => ca.log.filter((line) => line === 'GET /directory').length
  await Promise.all([first.directory(), second.directory()])
  assert.equal(directories(), 1)
  now += 3_599_999
  await first.directory()
  assert.equal(directories(), 1)
  now += 1
  await second.directory()
  assert.equal(directories(), 2)
})

test('clients are kept per server and key, and another policy is another server', async () => {
  await using ca = await TinyCa.start()
  const clients = acmeClients({ http: countingSender(), userAgent: 'certloom/test' })
  const client = clients.client({ server: ca.server, accountKey })
  assert.equal(clients.client({ server: { ...ca.server }, accountKey }), client)
  const strict = clients.client({ server: { ...ca.server, policy: 'namespaced' }, accountKey })
  assert.notEqual(strict, client)
  await client.directory()
  await strict.directory()
  assert.deepEqual(ca.log, ['GET /directory', 'GET /directory'])
})

test('a directory that failed is not kept', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  ca.next('/directory', { status: 500, body: {} })
  assert.equal((await failureOf(client.directory())).failure.code, 'CaInternal')
  assert.equal((await client.directory()).newOrder, `${ca.base}/order`)
})

test('key authorization and TXT value follow RFC 8555 8.1 and 8.4', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  const expected = `${token}.${thumbprintOf(accountKey)}`
  assert.equal(await client.keyAuthorization(token), expected)
  assert.equal(await client.dns01Value(token), createHash('sha256').update(expected).digest('base64url'))
})

test('an authorization is deactivated by its status', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/authz/1', { body: ca.authorization({ status: 'deactivated' }) })
  assert.equal((await client.deactivateAuthorization(`${ca.base}/authz/1`)).status, 'deactivated')
  assert.deepEqual(ca.seen.at(-1)!.payload, { status: 'deactivated' })
})

test('wildcard, unknown fields, null fields and unknown challenges of an authorization are read as meant', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const odd = { type: 'onion-csr-01', url: `${ca.base}/challenge/2`, status: 'pending', nonce: '??' }
  const body = ca.authorization({ wildcard: true, expires: null, extra: { a: 1 }, challenges: [odd] })
  ca.next('/authz/1', { body })
  const authorization = await client.authorization(`${ca.base}/authz/1`)
  assert.equal(authorization.wildcard, true)
  assert.equal(authorization.expires, undefined)
  assert.equal(authorization.challenges[0]!.type, 'onion-csr-01')
  assert.equal((await client.authorization(`${ca.base}/authz/1`)).wildcard, false)
})
