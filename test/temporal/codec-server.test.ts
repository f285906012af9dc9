import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:net'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { serveCodec, type CodecServer, type CodecServerOptions } from '../../cli/codec-server/serve.ts'
import { EncryptionCodec } from '../../workers/temporal/encryption-codec.ts'
import { PayloadKeys } from '../../workers/temporal/payload-keys.ts'

const origin = 'https://temporal.example.com'
let folder: string
let options: CodecServerOptions
let server: CodecServer

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certloom-codec-'))
  const file = join(folder, 'keys')
  await writeFile(file, `one ${randomBytes(32).toString('base64')}\n`)
  options = {
    host: '127.0.0.1',
    port: 0,
    origins: [origin],
    token: '',
    namespace: 'certloom',
    codecs: [new EncryptionCodec(new PayloadKeys(file, assert.fail))],
    log: () => undefined,
  }
  server = await serveCodec(options)
})

after(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function ask(path: string, body: unknown, headers: Record<string, string> = {}, at = server) {
  const answer = await fetch(at.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return {
    status: answer.status,
    headers: answer.headers,
    body: (await answer.json()) as {
      payloads?: { metadata: Record<string, string>; data?: string }[]
      message?: string
    },
  }
}

const base64 = (value: string) => Buffer.from(value).toString('base64')
const plain = { metadata: { encoding: base64('json/plain') }, data: base64('{"name":"web"}') }

test('what is encoded decodes to the same payload, byte by byte, and plain ones pass', async () => {
  const encoded = await ask('/encode', { payloads: [plain, plain] }, { 'x-namespace': 'certloom' })
  assert.equal(encoded.status, 200)
  assert.deepEqual(
    encoded.body.payloads?.map(({ metadata }) =>
      Buffer.from(metadata['encoding'] ?? '', 'base64').toString(),
    ),
    ['binary/encrypted', 'binary/encrypted'],
  )
  const decoded = await ask('/decode', { payloads: [...(encoded.body.payloads ?? []), plain] })
  assert.deepEqual(decoded.body, { payloads: [plain, plain, plain] })
})

test('a list without payloads is answered with one, also where it is left out as the temporal program does', async () => {
  for (const empty of [{}, { payloads: [] }]) {
    const { status, body } = await ask('/decode', empty)
    assert.deepEqual({ status, body }, { status: 200, body: { payloads: [] } })
  }
})

test('a page of an allowed origin may ask, with what the UI sends; any other gets no answer', async () => {
  const preflight = await fetch(`${server.url}/decode`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })
  assert.equal(preflight.status, 204)
  assert.equal(preflight.headers.get('access-control-allow-origin'), origin)
  assert.match(
    preflight.headers.get('access-control-allow-headers') ?? '',
    /content-type.*x-namespace.*authorization/,
  )
  const allowed = await ask('/decode', { payloads: [plain] }, { origin })
  assert.equal(allowed.headers.get('access-control-allow-origin'), origin)
  const foreign = await ask('/decode', { payloads: [plain] }, { origin: 'https://evil.example.com' })
  assert.deepEqual([foreign.status, foreign.headers.get('access-control-allow-origin')], [403, null])
  assert.match(foreign.body.message ?? '', /--origin https:\/\/evil\.example\.com/)
})

test('bad input is refused with the field and the remedy', async () => {
  for (const [path, body, headers, status, message] of [
    ['/decode', 'no json', {}, 400, /not JSON: send \{"payloads"/],
    ['/decode', { payloads: {} }, {}, 400, /^payloads: /],
    ['/decode', { payload: [plain] }, {}, 400, /^payloads: /],
    ['/decode', { payloads: [{ data: '***' }] }, {}, 400, /payloads\.0\.data: must be base64/],
    [
      '/decode',
      {
        payloads: [
          {
            metadata: { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('two') },
            data: '',
          },
        ],
      },
      {},
      400,
      /the key "two", which .* does not hold \(it holds one\)/,
    ],
    [
      '/decode',
      { payloads: [] },
      { 'x-namespace': 'other' },
      403,
      /namespace other is not served here, only certloom/,
    ],
    ['/other', { payloads: [] }, {}, 404, /POST \/encode and POST \/decode/],
  ] as [string, unknown, Record<string, string>, number, RegExp][]) {
    const answer = await ask(path, body, headers)
    assert.equal(answer.status, status, path)
    assert.match(answer.body.message ?? '', message)
  }
  const got = await fetch(`${server.url}/decode`)
  assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST, OPTIONS'])
})

test('with a token nobody is served without it', async () => {
  const guarded = await serveCodec({ ...options, token: 'a shared token' })
  try {
    for (const authorization of ['', 'Bearer wrong', 'a shared token'])
      assert.equal((await ask('/decode', { payloads: [plain] }, { authorization }, guarded)).status, 401)
    assert.equal(
      (await ask('/decode', { payloads: [plain] }, { authorization: 'Bearer a shared token' }, guarded))
        .status,
      200,
    )
  } finally {
    await guarded.close()
  }
})

test('a body without an end and a very large one are not read to the end', async () => {
  const { port } = new URL(server.url)
  const socket = connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  socket.write('POST /decode HTTP/1.1\r\nhost: x\r\ncontent-length: 999999999\r\n\r\n')
  const answer = text(socket)
  assert.match(await answer, /^HTTP\/1\.1 413 /)
  socket.destroy()
})
