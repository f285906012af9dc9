import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ChallengePlan } from '../../workflows/activities.ts'
import { pack, unpack } from '../../workflows/domain/packed.ts'

/** As an order of many names plans its challenges; `dnsName` may have the star of a wildcard. */
function planned(dnsName: string, index: number): ChallengePlan {
  const domain = dnsName.replace('*.', '')
  const fqdn = `_acme-challenge.${domain}.`
  const uid = `${String(index).padStart(8, '0')}-1111-4222-8333-${String(index * 7919).padStart(12, '0')}`
  const challenge = { namespace: 'shop', name: `site-1-1029384756-${3_000_000_000 + index * 7919}`, uid }
  const provider = 'exec fixture-dns'
  const value = `${String(index).padStart(2, '0')}${'V4lueOfTheTxtRecord'.repeat(3)}`.slice(0, 43)
  const secretRef = { namespace: 'shop', name: 'dns-credentials', key: 'config.json' }
  return {
    challenge,
    name: dnsName,
    fqdn,
    provider,
    exclusive: true,
    record: {
      challenge,
      certificateUid: '5a1c2b0e-1111-4222-8333-444455556666',
      request: '7b1c2b0e-1111-4222-8333-444455556666',
      fqdn,
      handle: {
        ...{ v: 1, kind: 'exec', plugin: 'fixture-dns', secretRef, fqdn, domain, value },
        timeoutSeconds: 60,
      },
      provider,
      lock: { requestId: uid },
    },
  }
}

function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** What arrives after a travel through a history. */
function arrived<T>(items: readonly object[]): T[] {
  return unpack<T>(JSON.parse(JSON.stringify(pack(items))) as ReturnType<typeof pack<never>>)
}

test('what was packed comes out as it was, in its order', () => {
  const plans = ['example.com', '*.example.com', 'a.example.org', 'b.example.com'].map(planned)
  assert.deepEqual(arrived(plans), plans)
  assert.deepEqual(arrived(plans.slice(0, 1)), plans.slice(0, 1))
  assert.deepEqual(arrived([]), [])
})

test('things of different shapes keep their fields and their order', () => {
  const things = [
    { at: 'a', handle: { kind: 'exec', list: [1, 2], secretRef: { name: 's' } } },
    { at: 'b', handle: { kind: 'webhook', url: null } },
    { at: 'c', handle: { kind: 'exec', list: [3], secretRef: { name: 's' } } },
    { at: 'd', handle: { kind: 'webhook', url: 'https://dns.example' } },
    { at: 'e', handle: 7 },
    { at: 'f', handle: {} },
    { at: 'g', handle: ['x'] },
  ]
  assert.deepEqual(arrived(things), things)
})

test('texts that begin and end alike are not confused with each other', () => {
  const things = ['', 'a', 'aa', 'aba', 'ab', '\u{1f600}', '\u{1f601}a'].map((text) => ({ text }))
  for (let from = 0; from < things.length; from++)
    for (let to = from; to <= things.length; to++)
      assert.deepEqual(arrived(things.slice(from, to)), things.slice(from, to))
})

test('a field that is undefined is no field, and does not make a shape of its own', () => {
  assert.deepEqual(arrived([{ a: 1, b: undefined }, { a: 2 }]), [{ a: 1 }, { a: 2 }])
  assert.equal(pack([{ a: 1, b: undefined }, { a: 2 }]).patterns.length, 1)
})

test('25 challenges stay within 8 KB, even where their names are long and have nothing in common', () => {
  const short = Array.from({ length: 25 }, (_, index) => planned(`n${index}.shop.example.com`, index))
  assert.ok(bytes(short) > 20_000, 'the test is about something')
  assert.ok(bytes(pack(short)) < 4_500, `${bytes(pack(short))} bytes`)

  const unlike = longNames(30, () => '')
  assert.equal(unlike[0]?.name.length, 125)
  assert.ok(bytes(pack(unlike)) < 8_192, `${bytes(pack(unlike))} bytes`)

  // A name with a star is not that of its record, and both differ from name to name.
  const withStars = longNames(20, (index) => (index % 5 === 0 ? '*.' : ''))
  assert.equal(withStars[0]?.name.length, 87)
  assert.ok(bytes(pack(withStars)) < 8_192, `${bytes(pack(withStars))} bytes`)
})

/** Twenty-five names without anything in common, of four labels of `length` characters. */
function longNames(length: number, star: (index: number) => string): ChallengePlan[] {
  return Array.from({ length: 25 }, (_, index) => {
    const letter = String.fromCharCode(97 + index)
    return planned(`${star(index)}${Array(4).fill(letter.repeat(length)).join('.')}.${letter}`, index)
  })
}
