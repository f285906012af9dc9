import assert from 'node:assert/strict'
import { test } from 'node:test'
import { orderIdentifiers } from '../../workflows/domain/identifiers.ts'
import type { RequestFacts } from '../../workflows/domain/x509-facts.ts'
import { requestFacts } from './facts.ts'

const ask = (changes: Partial<RequestFacts>) => orderIdentifiers({ ...requestFacts, ...changes })

test('names and addresses become identifiers in their order, each once', () => {
  const found = ask({
    commonName: 'b.example',
    dnsNames: ['b.example', 'A.example', 'B.example', '*.a.example'],
    ipAddresses: ['2001:db8::1', '192.0.2.1', '2001:db8::1'],
  })
  assert.deepEqual(found, {
    identifiers: [
      { type: 'dns', value: 'b.example' },
      { type: 'dns', value: 'a.example' },
      { type: 'dns', value: '*.a.example' },
      { type: 'ip', value: '2001:db8::1' },
      { type: 'ip', value: '192.0.2.1' },
    ],
  })
})

test('a common name may be an address or differ in case', () => {
  assert.ok('identifiers' in ask({ commonName: '2001:DB8::1', ipAddresses: ['2001:db8::1'] }))
  assert.ok('identifiers' in ask({ commonName: 'Example.com' }))
})

const refused: Record<string, [changes: Partial<RequestFacts>, message: RegExp]> = {
  'a common name of its own': [
    { commonName: 'Web Server' },
    /common name "Web Server" is neither among the DNS names/,
  ],
  'a URI': [{ uris: ['spiffe://a'] }, /has the URI "spiffe:\/\/a", but an ACME CA issues for DNS names/],
  'an email address': [{ emailAddresses: ['a@b'] }, /has the email address "a@b"/],
  'an other name': [{ otherNames: [{ oid: '1.2.3', utf8Value: 'x' }] }, /has the other name "1.2.3"/],
  'no name': [{ dnsNames: [] }, /neither a DNS name nor an IP address/],
}
for (const [name, [changes, message]] of Object.entries(refused)) {
  test(`${name} cannot be ordered`, () => {
    const found = ask(changes)
    assert.ok('failure' in found)
    assert.equal(found.failure.code, 'NameNotOrderable')
    assert.match(found.failure.message, message)
  })
}
