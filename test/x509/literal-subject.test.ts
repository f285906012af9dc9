import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  X509Error,
  createRequest,
  generatePrivateKey,
  literalSubjectDer,
  parseRequest,
} from '../../activities/clients/x509.ts'
import { desired } from './authority.ts'
import { made } from './openssl.ts'

const key = await generatePrivateKey({ algorithm: 'ECDSA' })

async function subjectByOpenssl(literalSubject: string): Promise<string> {
  const pem = await createRequest(desired({ literalSubject, dnsNames: ['a.example'] }), key)
  assert.equal(parseRequest(pem).subjectDer, literalSubjectDer(literalSubject).toString('hex'))
  return made(['req', '-noout', '-subject', '-nameopt', 'utf8,sep_comma_plus,sname'], pem)
    .trim()
    .replace('subject=', '')
}

suite('literalSubject', () => {
  const table: [string, string][] = [
    ['CN=foo', 'CN=foo'],
    ['CN=foo,OU=bar,O=baz', 'O=baz,OU=bar,CN=foo'],
    ['cn=foo, o=baz ', 'O=baz,CN=foo'],
    ['CN=foo;O=baz', 'O=baz,CN=foo'],
    ['UID=jsmith,DC=example,DC=net', 'DC=net,DC=example,UID=jsmith'],
    ['STREET=1 Main,L=Ulm,ST=BW,C=DE,SERIALNUMBER=7', 'serialNumber=7,C=DE,ST=BW,L=Ulm,street=1 Main'],
    // DER orders a set by its encodings, and the shorter one comes first.
    ['CN=J.  Smith+OU=Sales,DC=net', 'DC=net,OU=Sales+CN=J.  Smith'],
    ['CN=Before\\,After\\=x', 'CN=Before,After=x'],
    ['CN=a\\+b\\;c', 'CN=a+b;c'],
    ['CN=Lu\\C4\\8Di\\C4\\87', 'CN=Lučić'],
    ['CN=Lučić 🙂', 'CN=Lučić 🙂'],
    ['CN=\\23hash', 'CN=#hash'],
    ['CN=a=b', 'CN=a=b'],
    ['2.5.4.42=given,CN=x', 'CN=x,GN=given'],
  ]
  for (const [literal, expected] of table) {
    test(`${literal} is what openssl reads as ${expected}`, async () => {
      assert.equal(await subjectByOpenssl(literal), expected)
    })
  }

  test('unescaped spaces at the ends of a value do not count, escaped ones do', () => {
    const value = (text: string) => literalSubjectDer(text).toString('hex')
    assert.equal(value('CN=  a  ,O=b'), value('CN=a,O=b'))
    assert.notEqual(value('CN=\\ a\\ '), value('CN=a'))
    assert.equal(value('CN=\\ a\\   '), value('CN=\\20a\\20'))
  })

  const refused: [string, RegExp][] = [
    ['FOO=bar,CN=x', /"FOO".*C, O, OU/],
    ['1.2.x=bar', /"1\.2\.x"/],
    ['3.5.4=bar', /"3\.5\.4"/],
    ['=bar', /unknown attribute ""/],
    ['', /lacks "="/],
    ['CN=a,', /lacks "="/],
    ['CN=Doe, John', /lacks "=".*escape commas/],
    ['CN=#04024869', /hex form/],
    ['CN=a\\', /escape/],
    ['CN=a\\x', /needs no escape/],
    ['CN=\\C3', /not UTF-8/],
  ]
  for (const [literal, message] of refused) {
    test(`${JSON.stringify(literal)} is refused with its reason`, () => {
      assert.throws(
        () => literalSubjectDer(literal),
        (error) => error instanceof X509Error && message.test(error.message),
      )
    })
  }

  test('any text can be written with escapes and comes back', async () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 16 })
    await fc.assert(
      fc.asyncProperty(text, text, async (commonName, organization) => {
        const escape = (value: string) => value.replace(/[ "#+,;<=>\\]/g, '\\$&')
        const literalSubject = `CN=${escape(commonName)},O=${escape(organization)}`
        const facts = parseRequest(await createRequest(desired({ literalSubject }), key))
        assert.equal(facts.commonName, commonName)
        assert.deepEqual(facts.subject, { organizations: [organization] })
      }),
      { numRuns: 100 },
    )
  })
})
