import { decodeOid, encode, encodeOid, expect, readElements, readOnly, tag } from './der.ts'
import { X509Error } from './x509-error.ts'

/** Bits of KeyUsage in their order (RFC 5280, 4.2.1.3), under cert-manager's names. */
const keyUsages = [
  'digital signature',
  'content commitment',
  'key encipherment',
  'data encipherment',
  'key agreement',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
]

/** Extended key usages (RFC 5280, 4.2.1.12 and the vendors'), under cert-manager's names. */
const extendedUsages = new Map([
  ['any', '2.5.29.37.0'],
  ['server auth', '1.3.6.1.5.5.7.3.1'],
  ['client auth', '1.3.6.1.5.5.7.3.2'],
  ['code signing', '1.3.6.1.5.5.7.3.3'],
  ['email protection', '1.3.6.1.5.5.7.3.4'],
  ['ipsec end system', '1.3.6.1.5.5.7.3.5'],
  ['ipsec tunnel', '1.3.6.1.5.5.7.3.6'],
  ['ipsec user', '1.3.6.1.5.5.7.3.7'],
  ['timestamping', '1.3.6.1.5.5.7.3.8'],
  ['ocsp signing', '1.3.6.1.5.5.7.3.9'],
  ['microsoft sgc', '1.3.6.1.4.1.311.10.3.3'],
  ['netscape sgc', '2.16.840.1.113730.4.1'],
])

const extendedNames = new Map([...extendedUsages].map(([name, oid]) => [oid, name]))

/** Two names that cert-manager accepts for a usage that has another one too. */
const synonyms = new Map([
  ['signing', 'digital signature'],
  ['s/mime', 'email protection'],
])

const defaultUsages = ['digital signature', 'key encipherment']

export interface UsageSet {
  /** Bit i is the i-th bit of KeyUsage. */
  keyUsageBits: number
  /** Dotted object identifiers, in the order of the list. */
  extended: string[]
}

/** What `spec.usages` asks for: the default where it is empty, and `cert sign` for every CA. @throws X509Error */
export function usageSet(usages: readonly string[] | undefined, isCA: boolean): UsageSet {
  const set: UsageSet = { keyUsageBits: isCA ? 1 << keyUsages.indexOf('cert sign') : 0, extended: [] }
  const wanted = usages === undefined || usages.length === 0 ? defaultUsages : usages
  wanted.forEach((usage, i) => {
    const name = synonyms.get(usage) ?? usage
    const bit = keyUsages.indexOf(name)
    const oid = extendedUsages.get(name)
    if (bit !== -1) set.keyUsageBits |= 1 << bit
    else if (oid === undefined)
      throw new X509Error(`usages[${i}]: "${usage}" is not a usage that cert-manager knows`)
    else if (!set.extended.includes(oid)) set.extended.push(oid)
  })
  return set
}

/** cert-manager's names; an extended usage that it has no name for appears as its object identifier. */
export function usageNames(set: UsageSet): string[] {
  const bits = keyUsages.filter((_, bit) => (set.keyUsageBits & (1 << bit)) !== 0)
  return [...bits, ...set.extended.map((oid) => extendedNames.get(oid) ?? oid)]
}

export function sameUsages(a: UsageSet, b: UsageSet): boolean {
  const sorted = (set: UsageSet) => [...set.extended].sort().join()
  return a.keyUsageBits === b.keyUsageBits && sorted(a) === sorted(b)
}

/** A named bit list: DER drops the zero bits at its end. */
export function encodeKeyUsage(bits: number): Buffer {
  const last = 31 - Math.clz32(bits)
  const bytes = Buffer.alloc(last < 8 ? 1 : 2)
  for (let bit = 0; bit <= last; bit++) {
    if (bits & (1 << bit)) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (0x80 >> (bit & 7))
  }
  return encode(tag.bitString, Buffer.from([7 - (last & 7)]), bytes)
}

export function decodeKeyUsage(value: Buffer): number {
  const [, ...bytes] = readOnly(value, tag.bitString, 'key usage').content
  return keyUsages.reduce((bits, _, i) => bits | ((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7)) ? 1 << i : 0), 0)
}

export function encodeExtendedUsages(oids: string[]): Buffer {
  return encode(tag.sequence, ...oids.map(encodeOid))
}

export function decodeExtendedUsages(value: Buffer): string[] {
  const elements = readElements(readOnly(value, tag.sequence, 'extended key usage').content)
  return elements.map((element) => decodeOid(expect(element, tag.oid, 'extended key usage').content))
}
