import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { resolveChallengeName } from '../../activities/dns/cname.ts'
import { dnsConfig } from '../../activities/dns/dns-config.ts'
import { findZone } from '../../activities/dns/zone.ts'
import { CertloomError } from '../../activities/failure.ts'
import { startDnsFixture, type FixtureProcess } from './fixture-process.ts'

const zoneNotFound = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CertloomError)
  assert.equal(error.failure.code, 'ZoneNotFound')
  assert.match(error.failure.message, pattern)
  return true
}

suite('finding the zone of a name', () => {
  let fixture: FixtureProcess
  before(async () => {
    fixture = await startDnsFixture('--zone', 'example.com', '--zone', 'example.org')
    const alias = (name: string, data: string) => fixture.post('/records', { name, type: 'CNAME', data })
    await alias('_acme-challenge.alias.example.com', 'middle.example.com')
    await alias('middle.example.com', 'end.example.org')
    await alias('loop-a.example.com', 'loop-b.example.org')
    await alias('loop-b.example.org', 'loop-a.example.com')
    await alias('self.example.com', 'self.example.com')
    for (let hop = 1; hop <= 9; hop++) await alias(`hop${hop}.example.com`, `hop${hop + 1}.example.com`)
    await fixture.post('/zones', { name: '_acme-challenge.own.example.com' })
  })
  after(() => fixture.stop())

  test('walks up to the apex and resolves the name servers', async () => {
    assert.deepEqual(await findZone('_acme-challenge.a.b.example.com', fixture.config), {
      name: '_acme-challenge.a.b.example.com.',
      zone: 'example.com.',
      nameservers: [
        { name: 'ns1.example.com.', addresses: ['127.0.0.2'], refused: [] },
        { name: 'ns2.example.com.', addresses: ['127.0.0.3'], refused: [] },
      ],
    })
  })

  test('finds a challenge name that was delegated as a zone of its own', async () => {
    const { zone } = await findZone('_acme-challenge.own.example.com', fixture.config)
    assert.equal(zone, '_acme-challenge.own.example.com.')
  })

  test('follows CNAMEs into the zone where they end', async () => {
    const { name, zone } = await findZone('_acme-challenge.alias.example.com', fixture.config)
    assert.deepEqual({ name, zone }, { name: 'end.example.org.', zone: 'example.org.' })
  })

  test('reports a loop of CNAMEs with its hops', async () => {
    const loop = /loop: loop-a\.example\.com\. → loop-b\.example\.org\. → loop-a\.example\.com\./
    await assert.rejects(findZone('loop-a.example.com', fixture.config), zoneNotFound(loop))
    await assert.rejects(
      resolveChallengeName('self.example.com', 'Follow', fixture.config),
      zoneNotFound(/loop/),
    )
  })

  test('gives up after eight CNAMEs in a row', async () => {
    await assert.rejects(
      resolveChallengeName('hop1.example.com', 'Follow', fixture.config),
      zoneNotFound(/hop1\.example\.com\. has more than 8 CNAMEs/),
    )
    assert.equal(
      await resolveChallengeName('hop2.example.com', 'Follow', fixture.config),
      'hop10.example.com.',
    )
  })

  test('the strategy decides whether the record is written at the end of the CNAMEs', async () => {
    const name = '_acme-challenge.alias.example.com'
    const before = (await fixture.log()).length
    assert.equal(await resolveChallengeName(name, 'None', fixture.config), `${name}.`)
    assert.equal((await fixture.log()).length, before, 'None asks nobody')
    assert.equal(await resolveChallengeName(name, 'Follow', fixture.config), 'end.example.org.')
  })

  test('refuses a top-level zone and names the resolver and its SOA answers', async () => {
    const message = new RegExp(
      `_acme-challenge\\.missing\\.com\\.: resolver ${fixture.resolver} leads only to a top-level zone: ` +
        'SOA com\\. for _acme-challenge\\.missing\\.com\\., SOA com\\. for missing\\.com\\.',
    )
    await assert.rejects(findZone('_acme-challenge.missing.com', fixture.config), zoneNotFound(message))
  })

  test('asks the next resolver when one does not answer, and names all when none does', async () => {
    const dead = '127.0.0.1:9'
    const recursiveNameservers = [dead, fixture.resolver]
    const { zone } = await findZone('a.example.com', { ...fixture.config, recursiveNameservers })
    assert.equal(zone, 'example.com.')
    await assert.rejects(
      findZone('a.example.com', { ...fixture.config, recursiveNameservers: [dead, '127.0.0.1:19'] }),
      zoneNotFound(
        /resolver 127\.0\.0\.1:9 connection refused .*; resolver 127\.0\.0\.1:19 connection refused/,
      ),
    )
  })

  test("does not ask loopback name servers of a tenant's zone unless the operator allows it", async () => {
    await assert.rejects(
      findZone('a.example.com', { ...fixture.config, allowPrivateNameservers: false }),
      zoneNotFound(
        /only addresses that must not be asked .*ns1\.example\.com\. 127\.0\.0\.2 \(a loopback address\)/,
      ),
    )
  })

  test('an impossible name is a finding', async () => {
    await assert.rejects(
      findZone(`${'a'.repeat(64)}.example.com`, fixture.config),
      zoneNotFound(/longer than 63/),
    )
  })

  test('a configuration that cannot work is refused with the name of the field', () => {
    assert.throws(
      () => dnsConfig({ recursiveNameservers: ['dns.example.com:53'] }),
      /^RangeError: recursiveNameservers: /,
    )
    assert.throws(() => dnsConfig({ recursiveNameservers: [] }), /recursiveNameservers: /)
    assert.throws(() => dnsConfig({ authoritativePort: 0 }), /authoritativePort: /)
    assert.ok(dnsConfig().recursiveNameservers.length > 0)
  })
})
