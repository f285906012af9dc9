import { X509Error } from './x509-error.ts'

/** ASN.1 tags as they stand in the first byte of an element (X.690). */
export const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  sequence: 0x30,
  set: 0x31,
} as const

/** One element. `raw` is the whole encoding, `content` what it encloses; both are views of the input. */
export interface DerElement {
  tag: number
  content: Buffer
  raw: Buffer
}

/** The tag of a context-specific element, `[number]`. */
export function contextTag(number: number, constructed: boolean): number {
  return 0x80 | (constructed ? 0x20 : 0) | number
}

/** The elements that stand one after the other in `bytes`; refuses what is BER but not DER. */
export function readElements(bytes: Buffer): DerElement[] {
  const elements: DerElement[] = []
  let offset = 0
  while (offset < bytes.length) {
    const element = readElementAt(bytes, offset)
    elements.push(element)
    offset += element.raw.length
  }
  return elements
}

/** The only element of `bytes`. @throws X509Error when the tag is another or something follows. */
export function readOnly(bytes: Buffer, expected: number, what: string): DerElement {
  const element = readElementAt(bytes, 0)
  if (element.raw.length !== bytes.length) throw new X509Error(`${what}: data after the end of the structure`)
  return expect(element, expected, what)
}

export function expect(element: DerElement | undefined, expected: number, what: string): DerElement {
  if (element?.tag !== expected) throw new X509Error(`${what}: malformed structure`)
  return element
}

function readElementAt(bytes: Buffer, offset: number): DerElement {
  const first = bytes[offset]
  const lengthByte = bytes[offset + 1]
  if (first === undefined || lengthByte === undefined)
    throw new X509Error('DER ends in the middle of an element')
  if ((first & 0x1f) === 0x1f) throw new X509Error('DER tag numbers above 30 do not occur in X.509')
  let start = offset + 2
  let length = lengthByte
  if (lengthByte >= 0x80) {
    const count = lengthByte & 0x7f
    // Indefinite lengths are BER; four bytes reach beyond every size that is accepted.
    if (count === 0 || count > 4) throw new X509Error('DER length is not definite or too large')
    if (start + count > bytes.length) throw new X509Error('DER ends in the middle of an element')
    length = bytes.readUIntBE(start, count)
    if (length < 0x80 || bytes[start] === 0) throw new X509Error('DER length is not in its shortest form')
    start += count
  }
  if (start + length > bytes.length) throw new X509Error('DER ends in the middle of an element')
  return {
    tag: first,
    content: bytes.subarray(start, start + length),
    raw: bytes.subarray(offset, start + length),
  }
}

export function encode(elementTag: number, ...parts: Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const head = [elementTag]
  if (length < 0x80) head.push(length)
  else {
    const bytes: number[] = []
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256)
    head.push(0x80 | bytes.length, ...bytes)
  }
  return Buffer.concat([Uint8Array.from(head), ...parts])
}

/** SET OF, whose elements DER orders by their encoding (X.690 11.6). */
export function encodeSetOf(elements: Buffer[]): Buffer {
  return encode(tag.set, ...[...elements].sort((a, b) => Buffer.compare(a, b)))
}

export function encodeOid(dotted: string): Buffer {
  if (dotted.length > 128 || !/^[0-2](\.(0|[1-9]\d*))+$/.test(dotted)) {
    throw new X509Error('not an object identifier in dotted form')
  }
  // BigInt, because arcs under 2.25 are 128-bit UUIDs.
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  if (root < 2n && second > 39n) throw new X509Error('not an object identifier in dotted form')
  return encode(tag.oid, ...[root * 40n + second, ...rest].map(encodeArc))
}

function encodeArc(arc: bigint): Buffer {
  const bytes = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) bytes.unshift(Number(rest & 0x7fn) | 0x80)
  return Buffer.from(bytes)
}

export function decodeOid(content: Buffer): string {
  const arcs: bigint[] = []
  let arc = 0n
  let open = false
  for (const byte of content) {
    if (!open && byte === 0x80) throw new X509Error('object identifier is not in its shortest form')
    arc = (arc << 7n) | BigInt(byte & 0x7f)
    open = byte >= 0x80
    if (!open) {
      arcs.push(arc)
      arc = 0n
    }
  }
  const [first, ...rest] = arcs
  if (open || first === undefined) throw new X509Error('object identifier ends in the middle of a number')
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}

/** DER knows one encoding of each truth value. */
export function decodeBoolean(content: Buffer): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
    throw new X509Error('malformed BOOLEAN')
  return content[0] === 0xff
}

/** The whole bytes of a BIT STRING, as signatures and keys are. */
export function decodeBitString(content: Buffer): Buffer {
  if (content[0] !== 0) throw new X509Error('BIT STRING does not end at a byte')
  return content.subarray(1)
}
