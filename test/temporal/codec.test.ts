import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ApplicationFailure, defaultPayloadConverter, type Payload } from '@temporalio/common'
import { knownSecrets } from '../../activities/secrets/known-secrets.ts'
import { EncryptionCodec } from '../../workers/temporal/encryption-codec.ts'
import { failureConverter } from '../../workers/temporal/failure-converter.ts'
import { GuardCodec } from '../../workers/temporal/guard-codec.ts'
import { PayloadKeys } from '../../workers/temporal/payload-keys.ts'

let folder: string
let files = 0

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certloom-keys-'))
})
after(() => rm(folder, { recursive: true, force: true }))

const keyLine = (id: string) => `${id} ${randomBytes(32).toString('base64')}`

async function keysFile(...lines: string[]): Promise<string> {
  const file = join(folder, `keys-${++files}`)
  await writeFile(file, lines.join('\n'))
  return file
}

async function codec(...lines: string[]): Promise<EncryptionCodec> {
  return new EncryptionCodec(new PayloadKeys(await keysFile(...lines), assert.fail))
}

const payload = (value: unknown) => defaultPayloadConverter.toPayload(value)
const read = (one: Payload | undefined) => one && defaultPayloadConverter.fromPayload<unknown>(one)
const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString()
const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()

test('what is encrypted shows nothing but cipher and key id, never twice the same, and is read back whole', async () => {
  const one = await codec(keyLine('2026-11'))
  const plain = payload({ name: 'web', list: [1, 'two'] })
  const [first, second] = await one.encode([plain, plain])
  const names = Object.fromEntries(
    Object.entries(first?.metadata ?? {}).map(([name, value]) => [name, text(value)]),
  )
  assert.deepEqual(names, {
    encoding: 'binary/encrypted',
    'encryption-cipher': 'AES-256-GCM',
    'encryption-key-id': '2026-11',
  })
  assert.notDeepEqual(first?.data, second?.data)
  assert.ok(!text(first?.data).includes('web'))
  const [back] = await one.decode([first ?? {}])
  assert.deepEqual(read(back), { name: 'web', list: [1, 'two'] })
})

test('a payload without encryption is read as it is: people signal with programs that have no key', async () => {
  const one = await codec(keyLine('a'))
  assert.deepEqual((await one.decode([payload('renew')])).map(read), ['renew'])
})

test('rotation: the new key encrypts, the old one still decrypts, and a key that is missing is named with the remedy', async () => {
  const [old, next] = [keyLine('old'), keyLine('next')]
  const before = await codec(old)
  const rotated = await codec(next, old)
  const [begun] = await before.encode([payload('begun with the old key')])
  assert.deepEqual((await rotated.decode([begun ?? {}])).map(read), ['begun with the old key'])
  const [fresh] = await rotated.encode([payload(1)])
  assert.equal(text(fresh?.metadata?.['encryption-key-id']), 'next')
  await assert.rejects(
    before.decode([fresh ?? {}]),
    /encrypted with the key "next", which \S+keys-\d+ does not hold \(it holds old\): add that key/,
  )
})

test('a payload that was altered, or encrypted under another key of the same id, is refused with the reason', async () => {
  const one = await codec(keyLine('a'))
  const [sealed = {}] = await one.encode([payload('x')])
  const data = Buffer.from(sealed.data ?? [])
  data[20] = (data[20] ?? 0) ^ 1
  const refused =
    /does not decrypt with the key "a" of .*another key under this id, or the payload was altered/
  await assert.rejects(one.decode([{ ...sealed, data }]), refused)
  await assert.rejects(one.decode([{ ...sealed, data: Buffer.alloc(3) }]), refused)
  await assert.rejects((await codec(keyLine('a'))).decode([sealed]), refused)
})

test('a changed file is read without a restart; an unusable one leaves the keys as they were', async () => {
  const old = keyLine('old')
  const file = await keysFile(old)
  const problems: string[] = []
  const keys = new PayloadKeys(file, (problem) => problems.push(problem))
  const replace = async (content: string) => {
    await writeFile(`${file}.new`, content)
    await rename(`${file}.new`, file)
  }
  await replace(`${keyLine('next')}\n${old}\n`)
  assert.notEqual(keys.find('next'), undefined)
  assert.equal(keys.first.id, 'next')
  await replace('next not-a-key')
  assert.equal(keys.find('later'), undefined)
  assert.match(problems.join(), /line 1 is not "<id> <base64>"/)
  assert.equal(keys.first.id, 'next')
})

test('a file that cannot be used is refused with file, line and remedy, never with what stands in it', async () => {
  const secret = randomBytes(24).toString('base64')
  for (const [lines, problem] of [
    [['# nothing'], /holds no key/],
    [[`a ${secret}`], /line 1 has a key of 24 bytes where 32 are needed/],
    [['', `${secret}${secret}/=`], /line 2 does not begin with an id/],
    [[keyLine('a'), keyLine('a')], /line 2 repeats the id "a"/],
  ] as [string[], RegExp][]) {
    const file = await keysFile(...lines)
    assert.throws(
      () => new PayloadKeys(file, assert.fail),
      (error: Error) =>
        problem.test(error.message) &&
        error.message.includes(file) &&
        /openssl rand -base64 32/.test(error.message) &&
        !error.message.includes(secret),
    )
  }
  assert.throws(() => new PayloadKeys(join(folder, 'none'), assert.fail), /none cannot be read \(ENOENT\)/)
})

test('the guard refuses key material and known secrets where it may, with a failure that is not retried', async () => {
  const found: string[] = []
  const guard = new GuardCodec({ mayRefuse: () => true, onSecret: (one) => found.push(one) })
  const token = randomBytes(24).toString('base64url')
  knownSecrets.add(token)
  for (const value of [{ key: pem }, { token }, `Bearer ${token}`]) {
    await assert.rejects(guard.encode([payload('harmless'), payload(value)]), (error: unknown) => {
      assert.ok(error instanceof ApplicationFailure)
      assert.deepEqual([error.type, error.nonRetryable], ['SecretRefused', true])
      assert.ok(!JSON.stringify([error.message, error.details]).includes(token))
      return true
    })
  }
  assert.deepEqual(found, [
    'a PEM private key',
    'a secret that this process has read',
    'a secret that this process has read',
  ])
  const harmless = payload({ uid: 'f2f8f3a2-5d3f-4cf3-8bd4-d0e6b5b5d1ad', names: ['example.com'] })
  assert.equal((await guard.encode([harmless]))[0], harmless)
})

test('where it may not refuse, the guard hands the payload on without the secret', async () => {
  const guard = new GuardCodec({ mayRefuse: () => false, onSecret: () => undefined })
  const [passed] = await guard.encode([payload({ reason: pem, force: true })])
  assert.deepEqual(read(passed), { reason: '[secret]\n', force: true })
  const [gone] = await guard.encode([
    { metadata: { encoding: Buffer.from('binary/plain') }, data: Buffer.from(`\u0000${pem}`) },
  ])
  assert.ok(!text(gone?.data).includes('PRIVATE'))
})

test('a failure loses its stack and its secrets, down to the last cause, and keeps its code and details', () => {
  const token = randomBytes(24).toString('base64url')
  knownSecrets.add(token)
  const inner = new Error(`the server said ${token}`)
  const error = ApplicationFailure.create({
    message: `no: ${pem}`,
    type: 'Internal',
    details: [{ code: 'Internal', message: token }],
    cause: inner,
  })
  const failure = failureConverter.errorToFailure(error, defaultPayloadConverter)
  const all = JSON.stringify(failure, (_key, value: unknown) =>
    value instanceof Uint8Array ? text(value) : value,
  )
  assert.ok(!all.includes(token) && !all.includes('BEGIN'), all)
  assert.equal(failure.message?.trim(), 'no: [secret]')
  assert.deepEqual([failure.stackTrace, failure.cause?.stackTrace], ['', ''])
  assert.equal(failure.cause?.message, 'the server said [secret]')
  assert.equal(failure.applicationFailureInfo?.type, 'Internal')
  const [details] = failure.applicationFailureInfo?.details?.payloads ?? []
  assert.deepEqual(read(details), { code: 'Internal', message: '[secret]' })
})

test('the guard is cheap: well under a millisecond for the largest payload, with a thousand secrets known', async () => {
  for (let at = 0; at < 1_000; at++) knownSecrets.add(randomBytes(32))
  const big = payload(
    Array.from({ length: 60 }, (_, at) => ({
      name: `www-${at}.example.com`,
      digest: randomBytes(32).toString('hex'),
    })),
  )
  const guard = new GuardCodec({ mayRefuse: () => true, onSecret: () => undefined })
  const one = await codec(keyLine('a'))
  const cost = async (run: (payloads: Payload[]) => Promise<unknown>) => {
    const started = performance.now()
    for (let at = 0; at < 500; at++) await run([big])
    return (performance.now() - started) / 500
  }
  const nothing = { encode: (payloads: Payload[]) => Promise.resolve(payloads) }
  await cost((payloads) => guard.encode(payloads))
  const [without, guarded, sealed] = [
    await cost((payloads) => nothing.encode(payloads)),
    await cost((payloads) => guard.encode(payloads)),
    await cost((payloads) => one.encode(payloads)),
  ]
  console.log(
    `${big.data?.length} bytes: without ${without.toFixed(4)} ms, guard ${guarded.toFixed(3)} ms, encryption ${sealed.toFixed(3)} ms`,
  )
  assert.ok(guarded < 5, `${guarded} ms`)
})
