import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, suite, test } from 'node:test'
import { query, type QueryType } from '../../activities/clients/dns/query.ts'
import type { Logged } from '../../tools/dns-fixture/journal.ts'
import { startDnsFixture, type FixtureProcess } from './fixture-process.ts'

suite('dns-fixture', () => {
  let folder: string
  let fixture: FixtureProcess
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'dns-fixture-'))
    fixture = await startDnsFixture(
      '--zone',
      'example.com',
      '--zone',
      'example.org',
      '--log',
      join(folder, 'dns.jsonl'),
    )
  })
  after(async () => {
    assert.equal(await fixture.stop(), 0)
    await rm(folder, { recursive: true })
  })
  beforeEach(async () => {
    for (const server of ['1', '2']) await fixture.post(`/servers/${server}`, { lagMs: 0, mode: 'answer' })
  })

  const ask = async (server: string, name: string, type: QueryType, tcp = false) => {
    const recursionDesired = server === fixture.resolver
    const answer = await query({ server, name, type, tcp, recursionDesired, timeoutMs: 500 })
    return answer.ok ? { rcode: answer.rcode, data: answer.answers.map(({ data }) => data), answer } : answer
  }
  const values = async (server: string, name: string) => {
    const result = await ask(server, name, 'TXT')
    return 'data' in result ? result.data : result.error
  }

  test('both authoritative servers share one port and speak for their zones', async () => {
    const [first, second] = fixture.authoritative
    assert.equal(first.split(':')[1], second.split(':')[1])
    for (const server of fixture.authoritative) {
      const result = await ask(server, 'example.com', 'NS')
      assert.ok('data' in result)
      assert.deepEqual(result.data, ['ns1.example.com.', 'ns2.example.com.'])
      assert.equal(result.answer.authoritative, true)
    }
    assert.equal(await values(first, 'example.net'), 'refused')
  })

  test('set, delete and clear act on the values of one name, over UDP and TCP', async () => {
    const host = '_acme-challenge.edit.example.com.'
    for (const value of ['one', 'two', 'one', 'three']) await fixture.post('/set-txt', { host, value })
    const overTcp = await ask(fixture.authoritative[1], host, 'TXT', true)
    assert.deepEqual('data' in overTcp && [...overTcp.data].sort(), ['one', 'three', 'two'])
    await fixture.post('/delete-txt', { host, value: 'one' })
    assert.deepEqual([...(await values(fixture.resolver, host))].sort(), ['three', 'two'])
    await fixture.post('/clear-txt', { host })
    const gone = await ask(fixture.authoritative[0], host, 'TXT')
    assert.equal('rcode' in gone && gone.rcode, 'NXDOMAIN')
    assert.deepEqual('answer' in gone && gone.answer.authorities.map(({ name, type }) => `${name} ${type}`), [
      'example.com. SOA',
    ])
  })

  test('a name that has other records or names below it answers NODATA', async () => {
    await fixture.post('/set-txt', { host: 'below.middle.example.com', value: 'x' })
    const middle = await ask(fixture.authoritative[0], 'middle.example.com', 'TXT')
    assert.equal('rcode' in middle && middle.rcode, 'NOERROR')
    assert.deepEqual('data' in middle && middle.data, [])
  })

  test('a held server shows nothing new until it is released, then everything in order', async () => {
    const host = '_acme-challenge.held.example.com'
    await fixture.post('/servers/2', { mode: 'hold' })
    await fixture.post('/set-txt', { host, value: 'v' })
    assert.deepEqual(await values(fixture.authoritative[0], host), ['v'])
    assert.deepEqual(await values(fixture.authoritative[1], host), [])
    await fixture.post('/servers/2', { mode: 'answer' })
    assert.deepEqual(await values(fixture.authoritative[1], host), ['v'])
  })

  test('a change becomes visible on a lagging server only after the lag', async () => {
    const host = '_acme-challenge.lag.example.com'
    await fixture.post('/servers/2', { lagMs: 300 })
    const changed = await fixture.post('/set-txt', { host, value: 'v' })
    while ((await values(fixture.authoritative[1], host)).length === 0);
    const shown = (await fixture.log()).find(
      (entry) =>
        entry.kind === 'query' &&
        entry.server === 'auth2' &&
        entry.name === `${host}.` &&
        entry.answers[0] === 'v',
    )
    const ms = Date.parse(shown?.time ?? '') - Date.parse(String(changed.body.time))
    assert.ok(ms >= 299 && ms < 2000, `visible after ${ms} ms`)
  })

  test('the modes refuse, servfail and drop do what they say', async () => {
    for (const [mode, error] of [
      ['refuse', 'refused'],
      ['servfail', 'servfail'],
      ['drop', 'timeout'],
    ]) {
      await fixture.post('/servers/1', { mode })
      assert.equal(await values(fixture.authoritative[0], 'example.com'), error)
    }
    for (const server of ['1', '2']) await fixture.post(`/servers/${server}`, { mode: 'refuse' })
    assert.equal(await values(fixture.resolver, 'example.com'), 'servfail')
  })

  test('the resolver follows CNAMEs from zone to zone and passes other records on', async () => {
    await fixture.post('/records', {
      name: '_acme-challenge.alias.example.com',
      type: 'CNAME',
      data: 'target.example.org',
    })
    await fixture.post('/set-txt', { host: 'target.example.org', value: 'there' })
    const result = await ask(fixture.resolver, '_acme-challenge.alias.example.com', 'TXT')
    assert.deepEqual('data' in result && result.data, ['target.example.org.', 'there'])
    await fixture.post('/records', { name: 'v6.example.com', type: 'AAAA', data: '2001:db8::1' })
    const v6 = await ask(fixture.resolver, 'v6.example.com', 'AAAA')
    assert.deepEqual('data' in v6 && v6.data, ['2001:db8::1'])
  })

  test('a wildcard stands for names that do not exist', async () => {
    await fixture.post('/records', { name: '*.wild.example.com', type: 'CNAME', data: 'target.example.org' })
    const result = await ask(fixture.authoritative[0], 'any.wild.example.com', 'CNAME')
    assert.deepEqual('data' in result && result.data, ['target.example.org.'])
  })

  test('the resolver knows the parents, and gives names without an address the default one', async () => {
    const top = await ask(fixture.resolver, 'com', 'SOA')
    assert.deepEqual('answer' in top && top.answer.answers.map(({ name }) => name), ['com.'])
    const address = await ask(fixture.resolver, 'www.example.com', 'A')
    assert.deepEqual('data' in address && address.data, ['127.0.0.1'])
    await fixture.post('/default-a', { address: null })
    const none = await ask(fixture.resolver, 'www.example.com', 'A')
    assert.equal('rcode' in none && none.rcode, 'NXDOMAIN')
  })

  test('a zone added later is served by all', async () => {
    assert.equal((await fixture.post('/set-txt', { host: 'a.later.test', value: 'x' })).status, 404)
    await fixture.post('/zones', { name: 'later.test' })
    await fixture.post('/set-txt', { host: 'a.later.test', value: 'x' })
    assert.deepEqual(await values(fixture.resolver, 'a.later.test'), ['x'])
  })

  test('wrong input is refused with the name of the field', async () => {
    const wrong = await fixture.post('/set-txt', { host: 'a.example.com' })
    assert.equal(wrong.status, 400)
    assert.match(String(wrong.body.error), /^value: /)
    const mode = await fixture.post('/servers/1', { mode: 'sleep' })
    assert.match(String(mode.body.error), /^mode: /)
    assert.equal((await fixture.post('/nowhere', {})).status, 404)
    const zone = await fixture.post('/records', {
      zone: 'example.org',
      name: 'a.example.com',
      type: 'A',
      data: '192.0.2.1',
    })
    assert.match(String(zone.body.error), /not within zone/)
  })

  test('the log file holds what GET /log shows: changes and queries with their answers', async () => {
    const host = '_acme-challenge.log.example.com.'
    await fixture.post('/set-txt', { host, value: 'logged' })
    await values(fixture.authoritative[0], host)
    const lines = (await readFile(join(folder, 'dns.jsonl'), 'utf8')).trimEnd().split('\n')
    const entries = lines.map((line) => JSON.parse(line) as Logged)
    assert.deepEqual(entries, await fixture.log())
    const mine = entries.filter((entry) => entry.name === host)
    assert.deepEqual(
      mine.map((entry) => entry.kind),
      ['change', 'query'],
    )
    assert.deepEqual(mine[1]?.kind === 'query' && mine[1].answers, ['logged'])
  })
})
