import assert from 'node:assert/strict'
import { test } from 'node:test'
import { acmeClient, AcmeProblem } from '../../../activities/clients/acme.ts'
import { accountKey, clientOf, failureOf, NOW } from './setup.ts'
import { acmeError, TinyCa, type TinyAnswer } from './tiny-ca.ts'
import { countingSender } from './counting-sender.ts'

const names = [{ type: 'dns' as const, value: 'www.example.com' }]
const problem = (
  status: number,
  type: string,
  rest: object = {},
  headers: Record<string, string> = {},
): TinyAnswer => ({
  status,
  headers,
  body: { type: acmeError(type), ...rest },
})
const refusedNonce = problem(400, 'badNonce', { detail: 'no' })

test('a refused nonce is replaced by the one that came with the refusal', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const before = ca.log.length
  ca.forgetNonces()
  await client.newOrder({ identifiers: names })
  assert.deepEqual(ca.log.slice(before), ['POST /order', 'POST /order'])
})

test('a nonce refused five times in a row still ends well', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/order', ...Array<TinyAnswer>(5).fill(refusedNonce))
  assert.equal((await client.newOrder({ identifiers: names })).status, 'pending')
})

test('the sixth refusal of a nonce is an internal error of the CA, and no further request is made', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const before = ca.log.length
  ca.always('/order', refusedNonce)
  assert.equal((await failureOf(client.newOrder({ identifiers: names }))).failure.code, 'CaInternal')
  assert.deepEqual(ca.log.slice(before), Array(6).fill('POST /order'))
})

test('a malformed nonce is not used: a new one is fetched', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/order/1', { headers: { 'replay-nonce': 'not a nonce!' }, body: ca.order() })
  await client.order(`${ca.base}/order/1`)
  await client.order(`${ca.base}/order/1`)
  assert.deepEqual(ca.log.slice(-2), ['HEAD /nonce', 'POST /order/1'])
})

test('nothing but a refused nonce is tried again', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  for (const answer of [
    problem(500, 'serverInternal'),
    problem(429, 'rateLimited'),
    { status: 502, body: 'bad gateway' },
  ]) {
    const before = ca.log.length
    ca.next('/order', answer)
    await failureOf(client.newOrder({ identifiers: names }))
    assert.equal(ca.log.length, before + 1)
  }
})

test('Retry-After is read as seconds and as a date, bounded to a week, and ignored if it is neither', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  for (const [value, expected] of [
    ['3', 3000],
    ['0', 0],
    [new Date(NOW + 90_000).toUTCString(), 90_000],
    [new Date(NOW - 90_000).toUTCString(), 0],
    ['99999999999', 7 * 24 * 3_600_000],
    ['soon', undefined],
    ['3, 3', undefined],
    ['-5 minutes ago', undefined],
  ] as const) {
    ca.next('/order/1', { headers: { 'retry-after': value }, body: ca.order({ status: 'processing' }) })
    assert.equal((await client.order(`${ca.base}/order/1`)).retryAfterMs, expected, value)
  }
})

test('a rate limit becomes RateLimited with the time that the CA names, or ten minutes', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  for (const [answer, notBefore] of [
    [problem(429, 'rateLimited', {}, { 'retry-after': '3600' }), '2026-03-01T13:00:00.000Z'],
    [problem(403, 'rateLimited'), '2026-03-01T12:10:00.000Z'],
    [{ status: 429, headers: { 'content-type': 'text/html' }, body: '<p>slow' }, '2026-03-01T12:10:00.000Z'],
    [
      { status: 503, headers: { 'retry-after': 'Sun, 01 Mar 2026 12:00:30 GMT' }, body: '' },
      '2026-03-01T12:00:30.000Z',
    ],
  ] as const) {
    ca.next('/order', answer)
    const { failure } = await failureOf(client.newOrder({ identifiers: names }))
    assert.equal(failure.code, 'RateLimited')
    assert.equal(failure.notBefore, notBefore)
  }
})

test('a problem keeps its type, status, detail and subproblems, and its text names the identifiers', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const subproblems = [
    {
      type: acmeError('caa'),
      detail: 'forbidden by \u001b[31mCAA',
      identifier: { type: 'dns', value: 'a.example.com' },
    },
    { type: acmeError('rejectedIdentifier'), identifier: { type: 'dns', value: 'b.example.com' } },
  ]
  ca.next('/order', problem(400, 'compound', { detail: 'two names', subproblems, extra: true }))
  const error = await failureOf(client.newOrder({ identifiers: names }))
  assert.ok(error instanceof AcmeProblem)
  assert.ok(error.is('compound'))
  assert.equal(error.status, 400)
  assert.equal(error.problem.subproblems![0]!.type, acmeError('caa'))
  assert.equal(error.failure.code, 'OrderRejected')
  assert.equal(
    error.failure.message,
    'compound: two names; a.example.com: forbidden by [31mCAA; b.example.com: rejectedIdentifier',
  )
})

test('a problem document with fields of wrong types is still read as far as it goes', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/order', { status: 400, body: { type: 7, detail: 'really', status: 'x', subproblems: 'y' } })
  const { failure } = await failureOf(client.newOrder({ identifiers: names }))
  assert.equal(failure.message, 'HTTP 400: really')
})

const orderUrl = '/order/1'
for (const [call, path, answer, code] of [
  ['newOrder', '/order', problem(400, 'rejectedIdentifier'), 'OrderRejected'],
  ['newOrder', '/order', problem(400, 'unsupportedIdentifier'), 'OrderRejected'],
  ['newOrder', '/order', problem(400, 'invalidProfile'), 'OrderRejected'],
  ['newOrder', '/order', problem(409, 'alreadyReplaced'), 'OrderRejected'],
  ['newOrder', '/order', problem(400, 'malformed'), 'OrderRejected'],
  ['newOrder', '/order', problem(403, 'unauthorized'), 'AccountProblem'],
  ['newOrder', '/order', problem(403, 'userActionRequired'), 'AccountProblem'],
  ['newOrder', '/order', problem(400, 'accountDoesNotExist'), 'AccountProblem'],
  ['newOrder', '/order', problem(400, 'anythingNew'), 'OrderRejected'],
  ['newOrder', '/order', problem(500, 'serverInternal'), 'CaInternal'],
  ['newOrder', '/order', problem(503, 'serverInternal'), 'CaInternal'],
  ['newOrder', '/order', { status: 302, headers: { location: '/elsewhere' } }, 'OrderRejected'],
  ['finalize', '/finalize/1', problem(400, 'badCSR'), 'OrderRejected'],
  ['finalize', '/finalize/1', problem(403, 'orderNotReady'), 'OrderRejected'],
  ['finalize', '/finalize/1', problem(403, 'caa'), 'OrderRejected'],
  ['order', orderUrl, problem(404, 'malformed'), 'OrderRejected'],
  ['authorization', '/authz/1', problem(404, 'malformed'), 'AuthorizationInvalid'],
  ['answer', '/challenge/1', problem(403, 'unauthorized'), 'AuthorizationInvalid'],
  ['answer', '/challenge/1', problem(400, 'dns'), 'AuthorizationInvalid'],
  ['register', '/account', problem(400, 'externalAccountRequired'), 'AccountProblem'],
  ['register', '/account', problem(403, 'unauthorized'), 'AccountProblem'],
  ['register', '/account', problem(400, 'malformed'), 'AccountProblem'],
  ['register', '/account', problem(400, 'invalidContact'), 'AccountProblem'],
  ['directory', '/directory', { status: 404, body: 'no such page' }, 'CaUnreachable'],
  [
    'directory',
    '/directory',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' },
    'CaUnreachable',
  ],
  ['directory', '/directory', { status: 200, body: { newNonce: 'x' } }, 'CaUnreachable'],
  ['directory', '/directory', { status: 502, body: '' }, 'CaInternal'],
] as const) {
  const type =
    answer.body && typeof answer.body === 'object' && 'type' in answer.body ? String(answer.body.type) : ''
  test(`${call} answered with ${answer.status} ${type.split(':').at(-1)} is ${code}`, async () => {
    await using ca = await TinyCa.start()
    const client = await clientOf(ca, { registered: call !== 'directory' })
    ca.next(path, answer)
    const calls = {
      newOrder: () => client.newOrder({ identifiers: names }),
      finalize: () => client.finalize(ca.base + path, Buffer.from('csr')),
      order: () => client.order(ca.base + path),
      authorization: () => client.authorization(ca.base + path),
      answer: () => client.answer(ca.base + path),
      register: () => client.register({}),
      directory: () => client.directory(),
    }
    assert.equal((await failureOf(calls[call]())).failure.code, code)
  })
}

test('a message that is not as specified is refused and the field is named', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  for (const [answer, why] of [
    [{ body: '{"status":' }, /ACME order: not JSON/],
    [{ body: 'null' }, /not JSON/],
    [{ body: '[]' }, /expected object/],
    [{ headers: { 'content-type': 'text/html' }, body: ca.order() }, /content type text\/html/],
    [{ body: ca.order({ status: 'happy' }) }, /ACME order: status: /],
    [{ body: ca.order({ authorizations: [1] }) }, /ACME order: authorizations\.0: /],
    [{ body: ca.order({ expires: 'tomorrow' }) }, /ACME order: expires: not an RFC 3339 time/],
  ] as const) {
    ca.next('/order/1', answer)
    const { failure } = await failureOf(client.order(`${ca.base}/order/1`))
    assert.equal(failure.code, 'CaInternal')
    assert.match(failure.message, why)
  }
})

test('a token outside base64url is refused, wherever it comes from', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  for (const token of ['../../etc/passwd', 'a b', 'a.b', '', 'a\n', 'a'.repeat(513), undefined]) {
    const challenge = { type: 'http-01', url: `${ca.base}/challenge/1`, status: 'pending', token }
    ca.next('/authz/1', { body: ca.authorization({ challenges: [challenge] }) })
    const { failure } = await failureOf(client.authorization(`${ca.base}/authz/1`))
    assert.equal(failure.code, 'CaInternal')
    assert.match(failure.message, /challenges\.0\.token: not a base64url token/)
    if (token !== undefined)
      assert.equal((await failureOf(client.keyAuthorization(token))).failure.code, 'CaInternal')
  }
})

test('an https directory cannot lead to http, to another scheme, or to a URL with a user name', async () => {
  const sent: string[] = []
  for (const newNonce of [
    'http://ca.example/nonce',
    'file:///etc/passwd',
    'https://user@ca.example/nonce',
    '/nonce',
  ]) {
    const directory = { newNonce, newAccount: 'https://ca.example/a', newOrder: 'https://ca.example/o' }
    const client = acmeClient({
      server: { directoryUrl: 'https://ca.example/directory', policy: 'namespaced' },
      accountKey,
      userAgent: 'certloom/test',
      http: {
        request: ({ url }) => {
          sent.push(url)
          const headers = { 'content-type': 'application/json' }
          return Promise.resolve({ status: 200, headers, body: Buffer.from(JSON.stringify(directory)), url })
        },
      },
    })
    assert.equal((await failureOf(client.register({}))).failure.code, 'CaUnreachable')
  }
  assert.deepEqual(new Set(sent), new Set(['https://ca.example/directory']))
})

test('a URL in an order is checked again before a request is signed for it', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const before = ca.log.length
  const { failure } = await failureOf(client.authorization('gopher://ca.example/authz/1'))
  assert.equal(failure.code, 'CaInternal')
  assert.match(failure.message, /gopher:\/\/ca\.example is not https/)
  assert.equal(ca.log.length, before)
})

test('a directory may be redirected, a signed request is not sent elsewhere', async () => {
  await using ca = await TinyCa.start()
  ca.next('/directory', { status: 307, headers: { location: '/moved' } })
  ca.next('/moved', { body: ca.directory() })
  const client = await clientOf(ca)
  ca.next('/order', { status: 307, headers: { location: `${ca.base}/order` } })
  assert.match((await failureOf(client.newOrder({ identifiers: names }))).failure.message, /HTTP 307/)
  assert.deepEqual(ca.log, ['GET /directory', 'GET /moved', 'HEAD /nonce', 'POST /account', 'POST /order'])
})

test('a server that nobody runs is unreachable', async () => {
  const ca = await TinyCa.start()
  const client = await clientOf(ca)
  const url = `${ca.base}/order/1`
  await ca[Symbol.asyncDispose]()
  assert.equal((await failureOf(client.order(url))).failure.code, 'CaUnreachable')
})

test('an answer of more than a megabyte is refused', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/order/1', { body: ca.order({ filler: 'x'.repeat(2 * 1024 * 1024) }) })
  assert.match(
    (await failureOf(client.order(`${ca.base}/order/1`))).failure.message,
    /more than 1048576 bytes/,
  )
})

test('a server without nonces is told so, not asked for ever', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca, { registered: false })
  ca.always('/nonce', { headers: { 'replay-nonce': '' } })
  const { failure } = await failureOf(client.register({}))
  assert.equal(failure.code, 'CaInternal')
  assert.match(failure.message, /Replay-Nonce/)
  assert.deepEqual(ca.log, ['GET /directory', 'HEAD /nonce'])
})

test('an order or account without Location is refused', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/order', { status: 201, body: ca.order() })
  assert.match((await failureOf(client.newOrder({ identifiers: names }))).failure.message, /no Location/)
  ca.next('/account', { status: 201, body: { status: 'valid' } })
  assert.match((await failureOf(client.register({}))).failure.message, /no Location/)
})

test('the MAC key of the CA is in no error message', async () => {
  await using ca = await TinyCa.start()
  const client = acmeClient({
    server: ca.server,
    accountKey,
    http: countingSender(),
    userAgent: 'certloom/test',
  })
  ca.next('/account', problem(403, 'unauthorized', { detail: 'binding refused' }))
  const hmacKey = Buffer.from('top-secret-mac-key')
  const error = await failureOf(client.register({ eab: { keyId: 'k', hmacKey } }))
  assert.doesNotMatch(JSON.stringify(error) + String(error.stack), /top-secret|dG9wLXNlY3JldC/)
  const empty = await failureOf(client.register({ eab: { keyId: 'k', hmacKey: Buffer.alloc(0) } }))
  assert.equal(empty.failure.code, 'SecretInvalid')
})
