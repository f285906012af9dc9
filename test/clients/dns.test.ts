import assert from 'node:assert/strict'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test, type TestContext } from 'node:test'
import { query } from '../../activities/clients/dns/query.ts'
import { formatServer, parseServer } from '../../activities/clients/dns/server-address.ts'
import { startDnsFixture, type FixtureProcess } from '../dns/fixture-process.ts'

const QR = 0x80
const AA = 0x04
const TC = 0x02

/** A server that answers with whatever bytes the test makes. */
async function udpServer(
  t: TestContext,
  onQuery: (query: Buffer, reply: (...bytes: Buffer[]) => void, peer: RemoteInfo, socket: Socket) => void,
): Promise<string> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  socket.on('message', (bytes, peer) => {
    onQuery(bytes, (...parts) => socket.send(Buffer.concat(parts), peer.port, peer.address), peer, socket)
  })
  return `127.0.0.1:${socket.address().port}`
}

/** Header and question of the query turned into a response without EDNS. */
function response(query: Buffer, { flags = QR | AA, rcode = 0, answers = 0 } = {}): Buffer {
  const end = query.indexOf(0, 12) + 5
  const head = Buffer.from(query.subarray(0, end))
  head[2] = flags
  head[3] = rcode
  head.writeUInt16BE(answers, 6)
  head.writeUInt16BE(0, 8)
  head.writeUInt16BE(0, 10)
  return head
}

function txtRecord(...strings: string[]): Buffer {
  const data = Buffer.concat(strings.map((text) => Buffer.from([text.length, ...Buffer.from(text)])))
  // A pointer to the name of the question, TXT, IN, 60 s.
  const head = Buffer.from([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, 0])
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

const txt = (server: string, timeoutMs = 2000) =>
  query({ server, name: 'a.example.com', type: 'TXT', timeoutMs })

suite('DNS client against hostile and broken servers', () => {
  test('joins the strings of a TXT record', async (t) => {
    const server = await udpServer(t, (asked, reply) =>
      reply(response(asked, { answers: 1 }), txtRecord('one', 'two')),
    )
    const result = await txt(server)
    assert.ok(result.ok)
    assert.deepEqual(result.answers, [{ name: 'a.example.com.', type: 'TXT', ttl: 60, data: 'onetwo' }])
    assert.equal(result.authoritative, true)
  })

  test('ignores answers with another id, another question or no sense, and takes the right one', async (t) => {
    const server = await udpServer(t, (asked, reply) => {
      const forged = txtRecord('forged')
      const otherId = response(asked, { answers: 1 })
      otherId.writeUInt16BE(otherId.readUInt16BE(0) ^ 1, 0)
      reply(otherId, forged)
      const otherName = response(asked, { answers: 1 })
      otherName[13] = 'b'.charCodeAt(0)
      reply(otherName, forged)
      reply(asked)
      reply(Buffer.from('nonsense'))
      reply(response(asked, { answers: 1 }), txtRecord('right'))
    })
    const result = await txt(server)
    assert.deepEqual(result.ok && result.answers.map(({ data }) => data), ['right'])
  })

  test('ignores answers from another address', async (t) => {
    const intruder = createSocket('udp4')
    intruder.bind(0, '127.0.0.1')
    t.after(() => intruder.close())
    const server = await udpServer(t, (asked, reply, peer) => {
      intruder.send(
        Buffer.concat([response(asked, { answers: 1 }), txtRecord('forged')]),
        peer.port,
        peer.address,
        () => reply(response(asked, { answers: 1 }), txtRecord('right')),
      )
    })
    const result = await txt(server)
    assert.deepEqual(result.ok && result.answers.map(({ data }) => data), ['right'])
  })

  test('accepts a question that comes back in other letters', async (t) => {
    const server = await udpServer(t, (asked, reply) => {
      const upper = response(asked, { answers: 1 })
      upper[13] = 'A'.charCodeAt(0)
      reply(upper, txtRecord('value'))
    })
    const result = await txt(server)
    assert.deepEqual(result.ok && result.answers.map(({ name }) => name), ['a.example.com.'])
  })

  test('sends again when a packet is lost, under a new deadline for none', async (t) => {
    let received = 0
    const server = await udpServer(t, (asked, reply) => {
      if (++received === 2) reply(response(asked, { answers: 1 }), txtRecord('second'))
    })
    const result = await txt(server, 400)
    assert.deepEqual(result.ok && result.answers.map(({ data }) => data), ['second'])
  })

  test('uses a new random id for every question', async (t) => {
    const ids = new Set<number>()
    const server = await udpServer(t, (asked, reply) => {
      ids.add(asked.readUInt16BE(0))
      reply(response(asked))
    })
    for (let i = 0; i < 8; i++) await txt(server)
    assert.ok(ids.size >= 6, `${ids.size} different ids`)
  })

  test('asks without EDNS when the server does not know it', async (t) => {
    const additionals: number[] = []
    const server = await udpServer(t, (asked, reply) => {
      additionals.push(asked.readUInt16BE(10))
      reply(response(asked, asked.readUInt16BE(10) > 0 ? { rcode: 1 } : {}))
    })
    assert.equal((await txt(server)).ok, true)
    assert.deepEqual(additionals, [1, 0])
  })

  for (const [rcode, error] of [
    [2, 'servfail'],
    [5, 'refused'],
    [9, 'notauth'],
    [4, 'notimp'],
    [11, 'rcode'],
  ] as const) {
    test(`rcode ${rcode} is the error ${error}`, async (t) => {
      const server = await udpServer(t, (asked, reply) => reply(response(asked, { rcode })))
      const result = await txt(server)
      assert.equal(!result.ok && result.error, error)
    })
  }

  test('silence is a timeout, a closed port is unreachable', async (t) => {
    const silent = await udpServer(t, () => {})
    const timeout = await txt(silent, 100)
    assert.deepEqual(timeout, { ok: false, error: 'timeout', detail: 'no answer in 100 ms' })
    const closed = createSocket('udp4')
    closed.bind(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address()
    closed.close()
    await once(closed, 'close')
    const refused = await txt(`127.0.0.1:${port}`)
    assert.deepEqual(refused, { ok: false, error: 'unreachable', detail: 'connection refused' })
  })

  test('a truncated answer whose TCP port is closed or talks nonsense is an error', async (t) => {
    const server = await udpServer(t, (asked, reply) => reply(response(asked, { flags: QR | AA | TC })))
    const closed = await txt(server)
    assert.equal(!closed.ok && closed.error, 'unreachable')
    const tcp = createServer((socket) => socket.end(Buffer.from([0, 4, 1, 2, 3, 4])))
    tcp.listen(parseServer(server).port, '127.0.0.1')
    await once(tcp, 'listening')
    t.after(() => tcp.close())
    const nonsense = await txt(server)
    assert.equal(!nonsense.ok && nonsense.error, 'malformed')
  })

  test('a TCP server that sends nothing is a timeout', async (t) => {
    const tcp = createServer(() => {})
    tcp.listen(0, '127.0.0.1')
    await once(tcp, 'listening')
    t.after(() => tcp.close())
    const server = `127.0.0.1:${(tcp.address() as AddressInfo).port}`
    const result = await query({ server, name: 'example.com', type: 'TXT', tcp: true, timeoutMs: 100 })
    assert.equal(!result.ok && result.error, 'timeout')
  })

  test('a cancel throws the reason of the signal and frees the socket', async (t) => {
    const controller = new AbortController()
    const reason = new Error('cancelled')
    const server = await udpServer(t, () => controller.abort(reason))
    const asked = query({
      server,
      name: 'example.com',
      type: 'TXT',
      timeoutMs: 60_000,
      signal: controller.signal,
    })
    await assert.rejects(asked, reason)
  })

  test('a name that no message can hold is data, a server that is no address a RangeError', async () => {
    const long = await query({ server: '127.0.0.1:1', name: `${'a'.repeat(64)}.com`, type: 'TXT' })
    assert.equal(!long.ok && long.error, 'malformed')
    await assert.rejects(query({ server: 'localhost:53', name: 'example.com', type: 'TXT' }), RangeError)
  })

  test('server addresses are read and written in both families', () => {
    assert.deepEqual(parseServer('192.0.2.1'), { address: '192.0.2.1', port: 53 })
    assert.deepEqual(parseServer('2001:db8::1'), { address: '2001:db8::1', port: 53 })
    assert.deepEqual(parseServer('[2001:db8::1]:5353'), { address: '2001:db8::1', port: 5353 })
    assert.equal(formatServer({ address: '2001:db8::1', port: 5353 }), '[2001:db8::1]:5353')
    for (const bad of [
      '',
      'localhost',
      '1.2.3.4:',
      '1.2.3.4:0',
      '1.2.3.4:65536',
      '[::1]x',
      'https://1.1.1.1/dns-query',
    ]) {
      assert.throws(() => parseServer(bad), /is not a DNS server/, bad)
    }
  })
})

suite('DNS client against the local servers', () => {
  let fixture: FixtureProcess
  before(async () => {
    fixture = await startDnsFixture('--zone', 'example.com')
  })
  after(() => fixture.stop())

  test('fetches values that do not fit a datagram over TCP', async () => {
    const values = Array.from({ length: 20 }, (_, index) => `${index}-`.padEnd(300, 'x'))
    for (const value of values) await fixture.post('/set-txt', { host: 'big.example.com', value })
    const server = fixture.authoritative[0]
    const result = await query({ server, name: 'big.example.com', type: 'TXT' })
    assert.ok(result.ok)
    assert.equal(result.transport, 'tcp')
    assert.deepEqual(result.answers.map(({ data }) => data).sort(), [...values].sort())
  })

  test('uses UDP up to the EDNS size', async () => {
    const value = 'x'.repeat(800)
    await fixture.post('/set-txt', { host: 'medium.example.com', value })
    const result = await query({ server: fixture.authoritative[0], name: 'medium.example.com', type: 'TXT' })
    assert.equal(result.ok && result.transport, 'udp')
    assert.deepEqual(result.ok && result.answers.map(({ data }) => data), [value])
  })
})
