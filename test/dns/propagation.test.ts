import assert from 'node:assert/strict'
import { after, before, beforeEach, suite, test } from 'node:test'
import { look, watch, type Clock } from '../../activities/dns/propagation.ts'
import { findZone } from '../../activities/dns/zone.ts'
import { startDnsFixture, type FixtureProcess } from './fixture-process.ts'

suite('propagation', () => {
  let fixture: FixtureProcess
  let names = 0
  let record: { fqdn: string; value: string }
  before(async () => {
    fixture = await startDnsFixture('--zone', 'example.com', '--zone', 'example.org')
  })
  after(() => fixture.stop())
  beforeEach(async () => {
    for (const server of ['1', '2']) await fixture.post(`/servers/${server}`, { lagMs: 0, mode: 'answer' })
    record = { fqdn: `_acme-challenge.n${++names}.example.com.`, value: 'the-digest' }
  })
  const present = (value = record.value, host = record.fqdn) => fixture.post('/set-txt', { host, value })

  /** Sleeps in no time and keeps the pauses, so that a window of minutes takes its questions only. */
  function fakeClock(onSleep: (slept: number) => void | Promise<void> = () => {}) {
    let now = Date.parse('2026-01-01T00:00:00Z')
    const pauses: number[] = []
    const clock: Clock = {
      now: () => now,
      async sleep(ms) {
        pauses.push(ms)
        now += ms
        await onSleep(pauses.length)
      },
    }
    return { clock, pauses }
  }

  suite('one look', () => {
    test('sees a value that every authoritative server shows', async () => {
      await present()
      const result = await look(record, fixture.config)
      assert.equal(result.seen, true)
      assert.equal(result.finding, 'all 2 name servers of example.com show it')
    })

    test('sees the value among others', async () => {
      await present('another')
      await present()
      assert.equal((await look(record, fixture.config)).seen, true)
    })

    test('says which server does not show it and what it answers instead', async () => {
      await present('old')
      await fixture.post('/servers/2', { mode: 'hold' })
      await present()
      const result = await look(record, fixture.config)
      assert.equal(result.seen, false)
      assert.equal(result.finding, 'ns2.example.com (127.0.0.3) does not show it yet: answers 1 other value')
      assert.deepEqual(
        result.servers.map(({ state }) => state),
        ['shows', 'missing'],
      )
    })

    test('says that the name does not exist', async () => {
      const { finding } = await look(record, fixture.config)
      assert.match(
        finding,
        /^ns1\.example\.com \(127\.0\.0\.2\) does not show it yet: says that the name does not exist; ns2/,
      )
    })

    for (const [mode, detail] of [
      ['refuse', 'answers REFUSED'],
      ['servfail', 'answers SERVFAIL'],
      ['drop', 'does not answer: no answer in 2000 ms'],
    ]) {
      test(`counts a server in mode ${mode} as silent`, async () => {
        await present()
        await fixture.post('/servers/2', { mode })
        const result = await look(record, fixture.config)
        assert.deepEqual(
          result.servers.map(({ state }) => state),
          ['shows', 'silent'],
        )
        assert.equal(result.finding, `ns2.example.com (127.0.0.3) ${detail}`)
        assert.equal(result.seen, true)
      })
    }

    test('does not see a value when no server gives a verdict', async () => {
      await present()
      // Both servers fail after the zone was found, or nobody would know whom to ask.
      const zone = await findZone(record.fqdn, fixture.config)
      for (const server of ['1', '2']) await fixture.post(`/servers/${server}`, { mode: 'servfail' })
      const result = await look(record, fixture.config, { locate: async () => zone })
      assert.equal(result.seen, false)
    })

    test('follows a CNAME to the zone that holds the value', async () => {
      await fixture.post('/records', { name: record.fqdn, type: 'CNAME', data: `n${names}.example.org` })
      await present(record.value, `n${names}.example.org`)
      const result = await look(record, fixture.config)
      assert.equal(result.finding, 'all 2 name servers of example.org show it')
    })

    test('follows a CNAME that only the authoritative servers know yet', async () => {
      const stale = await findZone(record.fqdn, fixture.config)
      await fixture.post('/records', { name: record.fqdn, type: 'CNAME', data: `n${names}.example.org` })
      await present(record.value, `n${names}.example.org`)
      const locate = async (name: string) => (name === record.fqdn ? stale : findZone(name, fixture.config))
      assert.equal((await look(record, fixture.config, { locate })).seen, true)
    })

    test('reads values that need TCP', async () => {
      for (let i = 0; i < 12; i++) await present(`${i}`.padEnd(200, 'x'))
      await present()
      assert.equal((await look(record, fixture.config)).seen, true)
      const overTcp = (await fixture.log()).some(
        (entry) => entry.kind === 'query' && entry.name === record.fqdn && entry.transport === 'tcp',
      )
      assert.equal(overTcp, true)
    })

    test('asks only the resolvers when the configuration says so', async () => {
      await present()
      const before = (await fixture.log()).length
      const result = await look(record, {
        ...fixture.config,
        recursiveOnly: true,
        allowPrivateNameservers: false,
      })
      assert.equal(result.finding, 'all 1 resolvers show it')
      const asked = (await fixture.log(before)).filter(
        (entry) => entry.kind === 'query' && entry.type === 'SOA',
      )
      assert.deepEqual(asked, [])
    })
  })

  suite('a window of looking', () => {
    test('is done at the first look when the record is there', async () => {
      await present()
      const result = await watch(record, { windowMs: 20_000 }, fixture.config)
      assert.deepEqual({ done: result.done, tries: result.tries }, { done: true, tries: 1 })
    })

    test('waits for a lagging second server and is done right after it shows the value', async () => {
      await fixture.post('/servers/2', { lagMs: 700 })
      const presented = await present()
      const findings = new Set<string>()
      const result = await watch(
        record,
        { windowMs: 20_000, heartbeat: (finding) => findings.add(finding) },
        fixture.config,
      )
      const doneAt = Date.now()
      assert.equal(result.done, true)
      const shown = (await fixture.log()).find(
        (entry) =>
          entry.kind === 'query' &&
          entry.server === 'auth2' &&
          entry.name === record.fqdn &&
          entry.answers.length > 0,
      )
      assert.ok(shown !== undefined, 'the second server was asked until it showed the value')
      const lag = Date.parse(shown.time) - Date.parse(String(presented.body.time))
      assert.ok(lag >= 699, `shown ${lag} ms after the change`)
      assert.ok(doneAt - Date.parse(shown.time) < 300, 'and then no time was lost')
      assert.match([...findings].join(), /ns2\.example\.com \(127\.0\.0\.3\) does not show it yet/)
    })

    test('comes back with the finding when the window ends, and the next window carries on', async () => {
      await fixture.post('/servers/2', { mode: 'hold' })
      await present()
      const { clock, pauses } = fakeClock()
      const first = await watch(record, { windowMs: 20_000, clock }, fixture.config)
      assert.equal(first.done, false)
      assert.equal(first.code, 'PropagationPending')
      assert.match(first.finding, /^ns2\.example\.com \(127\.0\.0\.3\) does not show it yet/)
      assert.equal(first.since, '2026-01-01T00:00:00.000Z')
      assert.equal(
        pauses.reduce((sum, ms) => sum + ms, 0),
        20_000,
      )
      assert.deepEqual(pauses.slice(0, 11), [...Array<number>(10).fill(100), 500])
      const second = await watch(record, { windowMs: 60_000, clock, earlier: first }, fixture.config)
      assert.equal(second.since, first.since)
      assert.ok(second.tries > first.tries)
    })

    test('asks ever more rarely: in five minutes at most 90 looks, one question per server each', async () => {
      await fixture.post('/servers/2', { mode: 'hold' })
      await present()
      const before = (await fixture.log()).length
      const { clock, pauses } = fakeClock()
      const { tries } = await watch(record, { windowMs: 300_000, clock }, fixture.config)
      assert.ok(tries <= 90, `${tries} looks`)
      assert.equal(Math.max(...pauses), 5000)
      const entries = await fixture.log(before)
      const asked = entries.filter(
        (entry) =>
          entry.kind === 'query' &&
          entry.server === 'auth2' &&
          entry.type === 'TXT' &&
          entry.name === record.fqdn,
      )
      assert.equal(asked.length, tries)
    })

    test('passes over a silent server only after three looks and two seconds', async () => {
      await present()
      await fixture.post('/servers/2', { mode: 'refuse' })
      const { clock, pauses } = fakeClock()
      const result = await watch(record, { windowMs: 20_000, clock }, fixture.config)
      assert.equal(result.done, true)
      assert.ok(result.tries >= 3)
      const waited = pauses.reduce((sum, ms) => sum + ms, 0)
      assert.ok(waited >= 2000 && waited <= 2500, `${waited} ms`)
      assert.equal(result.finding, 'ns2.example.com (127.0.0.3) answers REFUSED')
    })

    test('a silent server that returns has to show the value again', async () => {
      await fixture.post('/servers/2', { lagMs: 3_600_000 })
      await present()
      await fixture.post('/servers/2', { mode: 'refuse' })
      const { clock } = fakeClock(async (slept) => {
        if (slept === 2) await fixture.post('/servers/2', { mode: 'answer' })
      })
      const result = await watch(record, { windowMs: 10_000, clock }, fixture.config)
      assert.equal(result.done, false)
      assert.match(result.finding, /^ns2.*does not show it yet/)
    })

    test('tells a zone that cannot be found, and finds it when it appears', async () => {
      const late = { fqdn: `_acme-challenge.late${names}.test.`, value: 'v' }
      const findings: string[] = []
      const { clock } = fakeClock(async (slept) => {
        if (slept !== 2) return
        await fixture.post('/zones', { name: `late${names}.test` })
        await present('v', late.fqdn)
      })
      const heartbeat = (finding: string) => findings.push(finding)
      const result = await watch(late, { windowMs: 10_000, clock, heartbeat }, fixture.config)
      assert.equal(result.done, true)
      assert.match(findings[0] ?? '', /no usable zone .* leads only to a top-level zone/)
      const never = await watch(
        { fqdn: '_acme-challenge.never.test', value: 'v' },
        { windowMs: 1000, clock: fakeClock().clock },
        fixture.config,
      )
      assert.equal(never.code, 'ZoneNotFound')
    })

    test('ends at once with the reason of the signal', async () => {
      const controller = new AbortController()
      const reason = new Error('cancelled')
      const heartbeat = () => controller.abort(reason)
      await assert.rejects(
        watch(record, { windowMs: 60_000, signal: controller.signal, heartbeat }, fixture.config),
        reason,
      )
    })
  })
})
