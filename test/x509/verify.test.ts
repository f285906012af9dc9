import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { verifyChain, type PathQuestion } from '../../activities/clients/x509.ts'
import { CertloomError } from '../../activities/failure.ts'
import { day, intermediate, leaf, now, root } from './authority.ts'
import { made, withFiles } from './openssl.ts'

const top = await root('Root')
const middle = await intermediate(top, 'Middle')
const server = await leaf(middle, {
  commonName: 'only-cn.example',
  dnsNames: ['a.example', '*.wild.example'],
  ipAddresses: ['10.0.0.1', '2001:db8::1'],
})
const question: PathQuestion = {
  leafPem: server.chainPem,
  intermediatesPem: middle.chain,
  rootsPem: top.certificate,
  now,
}

function refused(changes: Partial<PathQuestion>, message: RegExp) {
  assert.throws(
    () => verifyChain({ ...question, ...changes }),
    (error) => {
      assert.ok(error instanceof CertloomError)
      assert.equal(error.failure.code, 'CertificateInvalid')
      assert.match(error.failure.message, message)
      return true
    },
  )
}

suite('validating a path', () => {
  test('returns the path from the leaf to the root', () => {
    const path = verifyChain(question).map((facts) => facts.commonName)
    assert.deepEqual(path, ['only-cn.example', 'Middle', 'Root'])
    assert.equal(verifyChain({ ...question, rootsPem: middle.certificate, intermediatesPem: '' }).length, 2)
  })

  test('accepts exact names, one label under a wildcard, and IP addresses', () => {
    verifyChain({
      ...question,
      names: ['a.example', 'A.EXAMPLE', 'x.wild.example', '10.0.0.1', '2001:DB8:0::1'],
    })
  })

  for (const name of [
    'b.example',
    'x.y.wild.example',
    'wild.example',
    'only-cn.example',
    '10.0.0.2',
    'example',
  ]) {
    test(`refuses the name ${name}`, () =>
      refused({ names: ['a.example', name] }, new RegExp(`not good for the name ${name}$`)))
  }

  test('finds the way among strangers and namesakes', async () => {
    const namesake = await root('Root')
    const twin = await intermediate(namesake, 'Middle')
    const crowd = twin.certificate + namesake.certificate + middle.certificate
    assert.equal(
      verifyChain({ ...question, intermediatesPem: crowd, rootsPem: namesake.certificate + top.certificate })
        .length,
      3,
    )
    refused({ intermediatesPem: crowd, rootsPem: namesake.certificate }, /no path/)
  })

  test('refuses a missing intermediate', () => refused({ intermediatesPem: '' }, /no path/))

  test('refuses what is expired or not valid yet, at every place of the path', async () => {
    const at = (days: number) => new Date(now.getTime() + days * day * 1000)
    refused({ now: at(91) }, /certificate 1 of the path expired/)
    refused({ now: at(-1) }, /certificate 1 of the path is not valid before/)
    const long = await leaf(middle, { dnsNames: ['a.example'] }, { days: 2000 })
    refused({ leafPem: long.certificatePem, now: at(1001) }, /certificate 2 of the path expired/)
  })

  test('refuses a leaf that plays the CA', async () => {
    const victim = withFiles({ key: made(['genpkey', '-algorithm', 'ed25519']) }, ({ key = '' }) => {
      const csr = made([
        'req',
        '-new',
        '-key',
        key,
        '-subj',
        '/CN=victim',
        '-addext',
        'subjectAltName=DNS:bank.example',
      ])
      const pair = {
        ca: server.certificatePem,
        cakey: server.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
      }
      return withFiles({ ...pair, csr }, ({ ca = '', cakey = '', csr: path = '' }) =>
        made(['x509', '-req', '-in', path, '-CA', ca, '-CAkey', cakey, '-days', '30', '-set_serial', '1']),
      )
    })
    refused({ leafPem: victim, intermediatesPem: server.chainPem, now: new Date() }, /no path/)
  })

  test('holds path lengths', () => {
    const pem = withFiles({ key: made(['genpkey', '-algorithm', 'ed25519']) }, ({ key = '' }) => {
      const self = (cn: string, constraint: string) =>
        made(['req', '-x509', '-new', '-key', key, '-subj', `/CN=${cn}`, '-days', '9', '-addext', constraint])
      const below = (ca: string, cn: string, extension: string) =>
        withFiles({ ca, extension }, ({ ca: caPath = '', extension: file = '' }) => {
          const csr = made(['req', '-new', '-key', key, '-subj', `/CN=${cn}`])
          const signer = ['-CA', caPath, '-CAkey', key, '-set_serial', '7', '-days', '9', '-extfile', file]
          return made(['x509', '-req', ...signer], csr)
        })
      const first = self('first', 'basicConstraints=critical,CA:TRUE,pathlen:0')
      const second = below(first, 'second', 'basicConstraints=critical,CA:TRUE')
      return {
        first,
        second,
        third: below(second, 'third', 'subjectAltName=DNS:a'),
        direct: below(first, 'direct', 'subjectAltName=DNS:a'),
      }
    })
    const today = { rootsPem: pem.first, intermediatesPem: pem.second, now: new Date(Date.now() + 1000) }
    assert.equal(verifyChain({ ...today, leafPem: pem.direct }).length, 2)
    refused({ ...today, leafPem: pem.third }, /certificate 3 of the path allows a path of 0 CAs/)
  })

  test('holds name constraints of every kind', async () => {
    const nameConstraints = {
      permitted: {
        dnsDomains: ['good.example'],
        ipRanges: ['10.0.0.0/8'],
        emailAddresses: ['.mail.example'],
        uriDomains: ['u.example'],
      },
      excluded: {
        dnsDomains: ['secret.good.example'],
        ipRanges: ['10.9.0.0/16'],
        emailAddresses: ['x@y.mail.example'],
      },
    }
    const limited = await intermediate(top, 'Limited', { spec: { nameConstraints } })
    const good = {
      dnsNames: ['good.example', 'A.GOOD.example'],
      ipAddresses: ['10.1.2.3'],
      emailAddresses: ['a@b.mail.example'],
      uris: ['https://u.example/x'],
    }
    const under = async (spec: Partial<typeof good>) => ({
      leafPem: (await leaf(limited, spec)).certificatePem,
      intermediatesPem: limited.certificate,
    })
    assert.equal(verifyChain({ ...question, ...(await under(good)) }).length, 3)
    const bad: Partial<typeof good>[] = [
      { dnsNames: ['notgood.example'] },
      { dnsNames: ['a.secret.good.example'] },
      { ipAddresses: ['11.0.0.1'] },
      { ipAddresses: ['10.9.1.1'] },
      { ipAddresses: ['2001:db8::1'] },
      { emailAddresses: ['a@mail.example'] },
      { emailAddresses: ['x@y.mail.example'] },
      { uris: ['https://v.u.example'] },
    ]
    for (const spec of bad) refused(await under(spec), /certificate 2 of the path does not permit the name/)
  })

  test('refuses a critical extension that it does not know', () => {
    const pem = withFiles({ key: made(['genpkey', '-algorithm', 'ed25519']) }, ({ key = '' }) =>
      made([
        'req',
        '-x509',
        '-new',
        '-key',
        key,
        '-subj',
        '/CN=x',
        '-days',
        '9',
        '-addext',
        '1.2.3.4=critical,ASN1:NULL',
      ]),
    )
    refused(
      { leafPem: pem, rootsPem: pem, now: new Date(Date.now() + 1000) },
      /unknown critical extension 1\.2\.3\.4/,
    )
  })
})
