import { isIP } from 'node:net'
import { X509Error } from './x509-error.ts'

/** 4 or 16 bytes. An IPv4-mapped IPv6 address is the IPv4 address, as in Go and so in every cert-manager request. */
export function ipBytes(text: string): Buffer {
  const family = isIP(text)
  if (family === 0 || text.includes('%')) throw new X509Error('not an IP address')
  if (family === 4) return Buffer.from(text.split('.').map(Number))
  const bytes = ipv6Bytes(text)
  return isMapped(bytes) ? bytes.subarray(12) : bytes
}

/** RFC 5952 text of 4 or 16 bytes. */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return [...bytes].join('.')
  if (bytes.length !== 16) throw new X509Error('an IP address has 4 or 16 bytes')
  if (isMapped(bytes)) return `::ffff:${[...bytes.subarray(12)].join('.')}`
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16))
  const { start, length } = longestZeroRun(groups)
  if (length < 2) return groups.join(':')
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`
}

/** Address and mask of a CIDR, each 4 or 16 bytes; host bits are cleared. */
export function cidrBytes(text: string): Buffer {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const family = isIP(address)
  const bits = family === 4 ? 32 : 128
  if (
    family === 0 ||
    address.includes('%') ||
    rest.length > 0 ||
    !/^(0|[1-9]\d{0,2})$/.test(prefix) ||
    +prefix > bits
  ) {
    throw new X509Error('not an IP range in CIDR notation')
  }
  const bytes = family === 4 ? ipBytes(address) : ipv6Bytes(address)
  const mask = Buffer.from(bytes.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, +prefix - i * 8))) & 0xff))
  return Buffer.concat([bytes.map((byte, i) => byte & (mask[i] ?? 0)), mask])
}

function ipv6Bytes(text: string): Buffer {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text)
  const pure = dotted
    ? `${dotted[1]}${(+dotted[2]! * 256 + +dotted[3]!).toString(16)}:${(+dotted[4]! * 256 + +dotted[5]!).toString(16)}`
    : text
  const [head = '', tail] = pure.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  const bytes = Buffer.alloc(16)
  groups.forEach((group, i) => bytes.writeUInt16BE(parseInt(group, 16), i * 2))
  return bytes
}

function isMapped(bytes: Buffer): boolean {
  return bytes.subarray(0, 12).toString('hex') === '00000000000000000000ffff'
}

function longestZeroRun(groups: string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 }
  for (let start = 0; start < groups.length; start++) {
    let length = 0
    while (groups[start + length] === '0') length++
    if (length > best.length) best = { start, length }
  }
  return best
}
