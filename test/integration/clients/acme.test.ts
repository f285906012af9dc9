import assert from 'node:assert/strict'
import { generateKeyPairSync, X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { test } from 'node:test'
import {
  acmeClient,
  AcmeProblem,
  problemText,
  type AcmeClient,
  type Identifier,
} from '../../../activities/clients/acme.ts'
import { createRequest, requestDer } from '../../../activities/clients/x509.ts'
import { startServers, type LocalServers } from '../../../tools/servers/servers.ts'
import { countingSender, type CountingSender } from '../../clients/acme/counting-sender.ts'
import { failureOf } from '../../clients/acme/setup.ts'

type PebbleOptions = NonNullable<Parameters<typeof startServers>[0]['pebble']>
const kind = { alwaysValid: true, nonceReject: 0 }

/** A Pebble of its own, since each test wants another temper. */
async function withPebble(
  options: PebbleOptions,
  body: (servers: LocalServers) => Promise<void>,
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'certloom-acme-'))
  try {
    await using servers = await startServers({ dataDir, parts: ['pebble'], pebble: options })
    await body(servers)
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

function clientOf({ pebble }: LocalServers, accountUrl?: string): AcmeClient & { http: CountingSender } {
  const http = countingSender()
  const server = { directoryUrl: pebble.directoryUrl, caPem: pebble.caPem, policy: 'cluster' as const }
  const accountKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  return { ...acmeClient({ server, accountKey, accountUrl, http, userAgent: 'certloom/test' }), http }
}

async function csrFor(identifiers: readonly Identifier[]): Promise<Buffer> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const valuesOf = (type: string) => identifiers.filter((one) => one.type === type).map(({ value }) => value)
  const names = { dnsNames: valuesOf('dns'), ipAddresses: valuesOf('ip') }
  const pem = await createRequest({ secretName: 's', issuerRef: { name: 'i' }, ...names }, privateKey)
  return requestDer(pem)
}

/** Looks again until the status leaves the given ones. */
async function settled<T extends { status: string }>(
  look: () => Promise<T>,
  ...waiting: string[]
): Promise<T> {
  for (;;) {
    await delay(50)
    const found = await look()
    if (!waiting.includes(found.status)) return found
  }
}

async function issue(
  client: AcmeClient,
  identifiers: readonly Identifier[],
  options: { profile?: string; replaces?: string; preferredChain?: string } = {},
): Promise<{ chain: string; orderUrl: string }> {
  const { preferredChain, ...rest } = options
  const csr = await csrFor(identifiers)
  const order = await client.newOrder({ identifiers, ...rest })
  for (const url of order.authorizations) {
    const { status, challenges } = await client.authorization(url)
    if (status === 'valid') continue
    await client.answer(challenges[0]!.url)
    const { status: outcome } = await settled(() => client.authorization(url), 'pending')
    assert.equal(outcome, 'valid')
  }
  await client.finalize(order.finalize, csr)
  const done = await settled(() => client.order(order.url), 'ready', 'processing')
  assert.equal(done.status, 'valid')
  return { chain: await client.certificate(done.certificate!, { preferredChain }), orderUrl: order.url }
}

async function repeated<T>(step: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof AcmeProblem && error.is('badNonce'))) throw error
      assert.equal(error.failure.code, 'CaInternal')
    }
  }
}

const dns = (value: string): Identifier => ({ type: 'dns', value })

test('Pebble issues one name in seven requests once directory, nonce and account are there', async () => {
  await withPebble(kind, async (servers) => {
    const client = clientOf(servers)
    await client.register({ contact: ['mailto:a@example.com'] })
    assert.equal(client.http.sent.length, 3)
    client.http.sent.length = 0
    const { chain } = await issue(client, [dns('www.example.com')])
    assert.match(new X509Certificate(chain).subjectAltName ?? '', /DNS:www\.example\.com/)
    const steps = client.http.sent.map((line) => line.replace(/\/[^/]*$/, '').replace('POST /', ''))
    // A slow machine may need a further look at a pending authorization or order.
    const once = steps.filter((step, index) => step !== steps[index - 1] || step === '')
    const [newOrder, ...others] = once
    assert.equal(newOrder, 'POST ')
    assert.deepEqual(others, ['authZ', 'chalZ', 'authZ', 'finalize-order', 'my-order', 'certZ'])
  })
})

test('wildcards and IP addresses are ordered, authorized and issued', async () => {
  await withPebble(kind, async (servers) => {
    const client = clientOf(servers)
    await client.register({})
    const wild = await client.newOrder({ identifiers: [dns('*.example.com')] })
    const authorization = await client.authorization(wild.authorizations[0]!)
    assert.equal(authorization.wildcard, true)
    assert.deepEqual(authorization.identifier, dns('example.com'))
    assert.equal((await client.deactivateAuthorization(authorization.url)).status, 'deactivated')
    const { chain } = await issue(client, [
      { type: 'ip', value: '192.0.2.7' },
      // Pebble sorts 4-byte before 16-byte forms in one list only: an IPv6 address must begin with more than 192.
      { type: 'ip', value: 'FD00:0::7' },
    ])
    const { subjectAltName } = new X509Certificate(chain)
    assert.equal(subjectAltName, 'IP Address:192.0.2.7, IP Address:FD00:0:0:0:0:0:0:7')
  })
})

test('half of all nonces may be refused: registration and issuance still succeed', async () => {
  await withPebble({ ...kind, nonceReject: 50 }, async (servers) => {
    const client = clientOf(servers)
    // Six refusals in a row, once in 64 requests here, are given up: the step is repeated, as Temporal does.
    await repeated(() => client.register({}))
    for (const name of ['a', 'b', 'c']) await repeated(() => issue(client, [dns(`${name}.example.com`)]))
    assert.ok(client.http.sent.length > 3 * 7 + 3, 'no nonce was refused')
  })
})

test('an account is created once, found again, and its contact changed', async () => {
  await withPebble(kind, async (servers) => {
    const client = clientOf(servers)
    assert.equal(await client.findAccount(), undefined)
    const account = await client.register({ contact: ['mailto:a@example.com'] })
    assert.equal(account.created, true)
    assert.equal((await client.register({})).created, false)
    assert.equal((await client.findAccount())!.url, account.url)
    const changed = await client.updateAccount({ contact: ['mailto:b@example.com'] })
    assert.deepEqual(changed.contact, ['mailto:b@example.com'])
    const stranger = clientOf(servers, account.url.replace(/[^/]+$/, '424242'))
    const { failure } = await failureOf(stranger.newOrder({ identifiers: [dns('www.example.com')] }))
    assert.equal(failure.code, 'AccountProblem')
  })
})

test('external account binding is demanded, refused when wrong and accepted when right', async () => {
  const hmacKey = Buffer.alloc(32, 7)
  const pebble = {
    ...kind,
    externalAccountBindingRequired: true,
    externalAccountMACKeys: { 'kid-1': hmacKey.toString('base64url') },
  }
  await withPebble(pebble, async (servers) => {
    const client = clientOf(servers)
    assert.equal((await client.directory()).meta.externalAccountRequired, true)
    const missing = await failureOf(client.register({}))
    assert.ok(missing instanceof AcmeProblem && missing.is('externalAccountRequired'))
    assert.equal(missing.failure.code, 'AccountProblem')
    const wrong = await failureOf(client.register({ eab: { keyId: 'kid-1', hmacKey: Buffer.alloc(32, 8) } }))
    assert.equal(wrong.failure.code, 'AccountProblem')
    assert.equal((await client.register({ eab: { keyId: 'kid-1', hmacKey } })).created, true)
  })
})

test('a profile of the directory is honoured and the preferred chain is found among the alternates', async () => {
  const profiles = {
    default: { description: 'ninety days', validityPeriod: 7_776_000 },
    shortlived: { description: 'six days', validityPeriod: 518_400 },
  }
  await withPebble({ ...kind, profiles, alternateRoots: 2, chainLength: 2 }, async (servers) => {
    const client = clientOf(servers)
    await client.register({})
    const preferredChain = new X509Certificate(await servers.pebble.root(2)).toLegacyObject().subject
      .CN as string
    const { chain } = await issue(client, [dns('www.example.com')], { profile: 'shortlived', preferredChain })
    const top = chain.slice(chain.lastIndexOf('-----BEGIN'))
    assert.equal(new X509Certificate(top).toLegacyObject().issuer.CN, preferredChain)
    const { validFromDate, validToDate } = new X509Certificate(chain)
    assert.equal(Math.round((validToDate.getTime() - validFromDate.getTime()) / 86_400_000), 6)
    assert.equal(client.http.sent.filter((line) => line.includes('certZ')).length > 1, true)
  })
})

test('a blocked name, a wrong CSR, a name that does not answer: each refusal says what and why', async () => {
  await withPebble({ nonceReject: 0, domainBlocklist: ['blocked-domain.example'] }, async (servers) => {
    const client = clientOf(servers)
    await client.register({})
    const blocked = await failureOf(client.newOrder({ identifiers: [dns('blocked-domain.example')] }))
    assert.equal(blocked.failure.code, 'OrderRejected')
    assert.match(blocked.failure.message, /^rejectedIdentifier: .*blocked-domain\.example/)

    const order = await client.newOrder({ identifiers: [{ type: 'ip', value: '127.0.0.1' }] })
    const early = await failureOf(client.finalize(order.finalize, await csrFor([dns('www.example.com')])))
    assert.ok(early instanceof AcmeProblem && early.is('orderNotReady'))

    const { url, challenges } = await client.authorization(order.authorizations[0]!)
    await client.answer(challenges.find(({ type }) => type === 'http-01')!.url)
    const refused = await settled(() => client.authorization(url), 'pending')
    assert.equal(refused.status, 'invalid')
    const { error } = refused.challenges.find((challenge) => challenge.error !== undefined)!
    assert.match(problemText(error!), /^connection: /)
  })
})
