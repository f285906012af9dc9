import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { ariCertificateId } from '../../../activities/clients/acme.ts'
import { intermediateByRootA, intermediateByRootB, leaf } from './chains.ts'
import { clientOf, failureOf } from './setup.ts'
import { TinyCa } from './tiny-ca.ts'

const pem = (body: string, link?: string | string[]) => ({
  headers: { 'content-type': 'application/pem-certificate-chain; charset=utf-8', ...(link && { link }) },
  body,
})
const byRootA = leaf + intermediateByRootA
const byRootB = leaf + intermediateByRootB

test('the default chain is taken in one request, its text normalized', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/certificate/1', pem(`subject=somebody\r\n${byRootA.replaceAll('\n', '\r\n')}`))
  assert.equal(await client.certificate(`${ca.base}/certificate/1`), byRootA)
})

test('alternates are looked at only if another chain is preferred, until one fits', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const url = `${ca.base}/certificate/1`
  const link = [
    `<${ca.base}/directory>;rel="index"`,
    '</alternate/1>; rel=alternate, </alternate/2>;title="a, b";rel="alternate"',
  ]
  ca.always('/certificate/1', pem(byRootA, link))
  ca.always('/alternate/1', pem(leaf))
  ca.always('/alternate/2', pem(byRootB))
  const requestsFor = async (preferredChain?: string) => {
    const before = ca.log.length
    const chain = await client.certificate(url, { preferredChain })
    return { chain, requests: ca.log.slice(before).map((line) => line.replace('POST ', '')) }
  }
  assert.deepEqual(await requestsFor(), { chain: byRootA, requests: ['/certificate/1'] })
  assert.deepEqual(await requestsFor('Root A'), { chain: byRootA, requests: ['/certificate/1'] })
  const all = ['/certificate/1', '/alternate/1', '/alternate/2']
  assert.deepEqual(await requestsFor('Root B'), { chain: byRootB, requests: all })
  assert.deepEqual(await requestsFor('Root C'), { chain: byRootA, requests: all })
})

test('an alternate that leads away from the protocol is refused', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/certificate/1', pem(byRootA, '<ftp://ca.example/x>;rel="alternate"'))
  const failing = client.certificate(`${ca.base}/certificate/1`, { preferredChain: 'Root B' })
  assert.match((await failureOf(failing)).failure.message, /not https/)
})

test('at most ten alternates are fetched', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  ca.next('/certificate/1', pem(byRootA, Array<string>(50).fill('</alternate/1>;rel="alternate"')))
  ca.always('/alternate/1', pem(byRootA))
  const before = ca.log.length
  await client.certificate(`${ca.base}/certificate/1`, { preferredChain: 'Root B' })
  assert.equal(ca.log.length - before, 11)
})

test('a chain with a private key, without certificates, or broken is refused without showing it', async () => {
  await using ca = await TinyCa.start()
  const client = await clientOf(ca)
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
  })
  for (const [body, why] of [
    [leaf + key.toString(), /other than CERTIFICATE/],
    ['hello', /no PEM certificate/],
    [leaf.replace('-----END CERTIFICATE-----', ''), /without an end/],
    [leaf + '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', /number 2 is not an X\.509/],
    [leaf.repeat(21), /more than 20/],
    ['-----BEGIN A'.repeat(80_000), /other than CERTIFICATE/],
  ] as const) {
    ca.next('/certificate/1', pem(body))
    const { failure } = await failureOf(client.certificate(`${ca.base}/certificate/1`))
    assert.equal(failure.code, 'CertificateInvalid')
    assert.match(failure.message, why)
  }
  ca.next('/certificate/1', { body: leaf })
  const { failure } = await failureOf(client.certificate(`${ca.base}/certificate/1`))
  assert.match(failure.message, /content type application\/json instead of/)
})

test('the certificate id of RFC 9773 matches the example of the RFC', () => {
  const authorityKeyId = Buffer.from('69885b6b87464041e1b37b847bd0ae2cde01c8d4', 'hex')
  assert.equal(
    ariCertificateId({ authorityKeyId, serialNumber: '87654321' }),
    'aYhba4dGQEHhs3uEe9CuLN4ByNQ.AIdlQyE',
  )
  assert.equal(ariCertificateId({ authorityKeyId: Buffer.of(1), serialNumber: '0002' }), 'AQ.Ag')
  assert.throws(() => ariCertificateId({ authorityKeyId, serialNumber: '12:34' }), /serialNumber/)
})
