import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import {
  decode,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
  AUTHORITATIVE_ANSWER,
} from 'dns-packet'
import type { Answer, DecodedPacket, Packet, RecordType } from 'dns-packet'
import { bareReply, rcodes, type Reply } from './answer.ts'
import { fqdn } from './store.ts'

export interface Asked {
  name: string
  type: RecordType
  transport: 'udp' | 'tcp'
  client: { address: string; port: number }
}

/** Answers one question; undefined means silence. */
export type Handler = (asked: Asked) => Promise<Reply | undefined> | Reply | undefined

export interface Listening {
  address: string
  port: number
  close(): Promise<void>
}

const MAX_UDP = 4096

/** Serves DNS over UDP and TCP on every address, all with one port number; port 0 chooses one that is free on all. */
export async function listen(
  servers: readonly { address: string; handler: Handler; recursive?: boolean }[],
  port: number,
): Promise<Listening[]> {
  for (let tries = 1; ; tries++) {
    const open: Listening[] = []
    try {
      let chosen = port
      for (const server of servers) {
        open.push(await listenOn(server.address, chosen, server.handler, server.recursive === true))
        chosen = open[0]?.port ?? chosen
      }
      return open
    } catch (error) {
      await Promise.all(open.map((server) => server.close()))
      if (port !== 0 || tries >= 50 || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    }
  }
}

async function listenOn(
  address: string,
  port: number,
  handler: Handler,
  recursive: boolean,
): Promise<Listening> {
  const connections = new Set<Socket>()
  const tcp = createServer((socket) => serveConnection(socket, handler, recursive, connections))
  await new Promise<void>((resolve, reject) => tcp.once('error', reject).listen(port, address, resolve))
  const chosen = (tcp.address() as AddressInfo).port
  const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => udp.once('error', reject).bind(chosen, address, resolve))
  } catch (error) {
    await closeTcp(tcp, connections)
    throw error
  }
  serveDatagrams(udp, handler, recursive)
  return {
    address,
    port: chosen,
    async close() {
      await new Promise<void>((resolve) => udp.close(resolve))
      await closeTcp(tcp, connections)
    },
  }
}

function closeTcp(server: Server, connections: Set<Socket>): Promise<void> {
  for (const socket of connections) socket.destroy()
  return new Promise((resolve) => server.close(() => resolve()))
}

function serveDatagrams(socket: UdpSocket, handler: Handler, recursive: boolean): void {
  // A client that has gone makes the kernel report an error on the next read: no reason to end.
  socket.on('error', () => {})
  socket.on('message', (bytes, peer) => {
    void respond(bytes, 'udp', peer, handler, recursive).then((response) => {
      if (response !== undefined) socket.send(response, peer.port, peer.address, () => {})
    })
  })
}

function serveConnection(
  socket: Socket,
  handler: Handler,
  recursive: boolean,
  connections: Set<Socket>,
): void {
  connections.add(socket)
  socket.on('close', () => connections.delete(socket))
  socket.on('error', () => {})
  socket.setTimeout(10_000, () => socket.destroy())
  const peer = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
  let received = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk])
    while (received.length >= 2 && received.length >= 2 + received.readUInt16BE(0)) {
      const end = 2 + received.readUInt16BE(0)
      void respond(received.subarray(2, end), 'tcp', peer, handler, recursive).then((response) => {
        if (response === undefined || socket.destroyed) return
        const length = Buffer.alloc(2)
        length.writeUInt16BE(response.length)
        socket.write(Buffer.concat([length, response]))
      })
      received = received.subarray(end)
    }
  })
}

async function respond(
  bytes: Buffer,
  transport: 'udp' | 'tcp',
  client: { address: string; port: number },
  handler: Handler,
  recursive: boolean,
): Promise<Buffer | undefined> {
  let request: DecodedPacket
  try {
    request = decode(bytes)
  } catch {
    return undefined
  }
  const question = request.questions?.[0]
  if (request.flag_qr || question === undefined) return undefined
  const { address, port } = client
  const asked: Asked = {
    name: fqdn(question.name),
    type: question.type,
    transport,
    client: { address, port },
  }
  try {
    const reply = await handler(asked)
    return reply === undefined ? undefined : encodeReply(request, reply, transport, recursive)
  } catch {
    return encodeReply(request, bareReply('SERVFAIL'), transport, recursive)
  }
}

function encodeReply(
  request: DecodedPacket,
  reply: Reply,
  transport: 'udp' | 'tcp',
  recursive: boolean,
): Buffer {
  const edns = request.additionals?.find((record) => record.type === 'OPT')
  const flags =
    rcodes[reply.rcode] |
    (reply.authoritative ? AUTHORITATIVE_ANSWER : 0) |
    (request.flag_rd ? RECURSION_DESIRED : 0) |
    (recursive ? RECURSION_AVAILABLE : 0)
  const packet: Packet = {
    type: 'response',
    id: request.id,
    flags,
    questions: request.questions,
    answers: reply.answers.map(encodable),
    authorities: reply.authorities,
    additionals:
      edns === undefined
        ? []
        : [{ ...edns, udpPayloadSize: 1232, extendedRcode: 0, ednsVersion: 0, flags: 0, options: [] }],
  }
  const whole = encode(packet)
  const limit = transport === 'tcp' ? 65535 : Math.min(MAX_UDP, Math.max(512, edns?.udpPayloadSize ?? 512))
  if (whole.length <= limit) return whole
  return encode({ ...packet, flags: flags | TRUNCATED_RESPONSE, answers: [], authorities: [] })
}

// A TXT record holds strings of at most 255 octets; a longer value is sent in pieces (RFC 7208 section 3.3). A copy,
// because the encoder writes into its input.
function encodable(record: Answer): Answer {
  if (record.type !== 'TXT') return record
  return { ...record, data: typeof record.data === 'string' ? pieces(record.data) : [record.data].flat() }
}

function pieces(value: string): Buffer[] {
  const bytes = Buffer.from(value)
  const parts: Buffer[] = []
  for (let start = 0; start === 0 || start < bytes.length; start += 255)
    parts.push(bytes.subarray(start, start + 255))
  return parts
}
