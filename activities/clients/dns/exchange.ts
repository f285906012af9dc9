import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { randomInt } from 'node:crypto'
import { decode, encode } from 'dns-packet'
import type { DecodedPacket, Packet, Question } from 'dns-packet'
import { parseServer, type ServerAddress } from './server-address.ts'

/** A decoded message; the library fills these two fields, its types do not name them. */
export type DnsMessage = DecodedPacket & { rcode: string; opcode: string }

export type ExchangeFailure = { ok: false; error: 'timeout' | 'unreachable' | 'malformed'; detail: string }
export type ExchangeResult = { ok: true; message: DnsMessage; transport: 'udp' | 'tcp' } | ExchangeFailure

export interface ExchangeOptions {
  /** `ip:port` of the server. */
  server: string
  question: Question
  /** Header flags, for instance RECURSION_DESIRED. */
  flags: number
  /** Our UDP payload size (RFC 6891); 0 sends no EDNS record. */
  ednsSize: number
  /** For the whole exchange, retransmissions and the second try over TCP included. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** Ask over TCP at once. */
  tcp?: boolean | undefined
}

/**
 * Sends one question and takes the one answer that fits: right id, question and source (RFC 5452 section 9). A
 * truncated answer is asked again over TCP (RFC 7766). Network errors are data; only the signal's reason is thrown.
 */
export async function exchange(options: ExchangeOptions): Promise<ExchangeResult> {
  options.signal?.throwIfAborted()
  const deadline = performance.now() + options.timeoutMs
  const server = parseServer(options.server)
  if (options.tcp !== true) {
    const result = await overUdp(server, options, options.timeoutMs)
    if (!result.ok || !result.message.flag_tc) return result
  }
  return overTcp(server, options, Math.max(1, deadline - performance.now()))
}

function newQuery(options: ExchangeOptions): { bytes: Buffer; fits(message: DnsMessage): boolean } {
  const id = randomInt(0x10000)
  const { question } = options
  const packet: Packet = { type: 'query', id, flags: options.flags, questions: [question] }
  if (options.ednsSize > 0) {
    packet.additionals = [
      {
        type: 'OPT',
        name: '.',
        udpPayloadSize: options.ednsSize,
        extendedRcode: 0,
        ednsVersion: 0,
        flags: 0,
        flag_do: false,
        options: [],
      },
    ]
  }
  return {
    bytes: encode(packet),
    fits(message) {
      const echoed = message.questions?.[0]
      return (
        message.flag_qr &&
        message.id === id &&
        message.questions?.length === 1 &&
        echoed?.type === question.type &&
        bare(echoed.name) === bare(question.name)
      )
    },
  }
}

// Case is not significant in names, and servers do change it (RFC 4343).
function bare(name: string): string {
  return name.replace(/\.$/, '').toLowerCase()
}

function overUdp(
  server: ServerAddress,
  options: ExchangeOptions,
  timeoutMs: number,
): Promise<ExchangeResult> {
  const query = newQuery(options)
  return settle(options, timeoutMs, (done) => {
    const socket = createSocket(isIPv6(server.address) ? 'udp6' : 'udp4')
    let resends: NodeJS.Timeout[] = []
    const send = () => socket.send(query.bytes, (error) => error && done(networkFailure(error)))
    socket.on('error', (error) => done(networkFailure(error)))
    socket.on('message', (bytes) => {
      const message = tryDecode(bytes)
      // Anything may arrive at a port: what does not fit is ignored, the right answer may still come.
      if (message !== undefined && query.fits(message)) done({ ok: true, message, transport: 'udp' })
    })
    // Connected, so that the kernel drops other sources and reports a closed port.
    socket.connect(server.port, server.address, () => {
      send()
      resends = [0.25, 0.5].map((part) => setTimeout(send, timeoutMs * part))
    })
    return () => {
      resends.forEach(clearTimeout)
      socket.removeAllListeners('message')
      // A late ICMP error must not become an uncaught one.
      socket.on('error', () => {})
      socket.close()
    }
  })
}

function overTcp(
  server: ServerAddress,
  options: ExchangeOptions,
  timeoutMs: number,
): Promise<ExchangeResult> {
  const query = newQuery(options)
  return settle(options, timeoutMs, (done) => {
    const socket = connect({ host: server.address, port: server.port, noDelay: true })
    let received = Buffer.alloc(0)
    socket.on('error', (error) => done(networkFailure(error)))
    socket.on('close', () => done({ ok: false, error: 'unreachable', detail: 'closed the connection' }))
    socket.on('connect', () => {
      const length = Buffer.alloc(2)
      length.writeUInt16BE(query.bytes.length)
      socket.write(Buffer.concat([length, query.bytes]))
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2 || received.length < 2 + received.readUInt16BE(0)) return
      const message = tryDecode(received.subarray(2, 2 + received.readUInt16BE(0)))
      if (message !== undefined && query.fits(message)) done({ ok: true, message, transport: 'tcp' })
      else done({ ok: false, error: 'malformed', detail: 'sent an answer that does not fit the question' })
    })
    return () => socket.destroy()
  })
}

type Done = (result: ExchangeResult) => void

/** Runs one transport until its first result, the time limit or the signal, then always releases its socket. */
function settle(
  options: ExchangeOptions,
  timeoutMs: number,
  start: (done: Done) => () => void,
): Promise<ExchangeResult> {
  const { signal } = options
  return new Promise((resolve, reject) => {
    let settled = false
    const finish = (act: () => void) => {
      if (settled) return
      settled = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      release()
      act()
    }
    const onAbort = () => finish(() => reject(signal?.reason as Error))
    const timer = setTimeout(() => {
      finish(() =>
        resolve({ ok: false, error: 'timeout', detail: `no answer in ${Math.round(options.timeoutMs)} ms` }),
      )
    }, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    const release = start((result) => finish(() => resolve(result)))
  })
}

function tryDecode(bytes: Buffer): DnsMessage | undefined {
  try {
    return decode(bytes) as DnsMessage
  } catch {
    return undefined
  }
}

const causes: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'closed the connection',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
}

function networkFailure(error: Error): ExchangeFailure {
  const code = (error as NodeJS.ErrnoException).code ?? error.message
  return { ok: false, error: 'unreachable', detail: causes[code] ?? code }
}
