import type { SubjectFacts } from '../../../workflows/domain/x509-facts.ts'
import { decodeOid, encode, encodeOid, encodeSetOf, expect, readElements, readOnly, tag } from './der.ts'
import { X509Error } from './x509-error.ts'

/** One attribute of a name: dotted type and text. */
export interface NameAttribute {
  type: string
  value: string
}

/** Attributes of X.520 and RFC 4519 that have a short name (RFC 4514, 3). */
export const attributeTypes = {
  C: '2.5.4.6',
  O: '2.5.4.10',
  OU: '2.5.4.11',
  CN: '2.5.4.3',
  SERIALNUMBER: '2.5.4.5',
  L: '2.5.4.7',
  ST: '2.5.4.8',
  STREET: '2.5.4.9',
  POSTALCODE: '2.5.4.17',
  DC: '0.9.2342.19200300.100.1.25',
  UID: '0.9.2342.19200300.100.1.1',
} as const

const shortNames = new Map<string, string>(Object.entries(attributeTypes).map(([name, oid]) => [oid, name]))

/** DER of a name whose relative names stand in the order given, each a set of attributes. */
export function encodeName(relativeNames: NameAttribute[][]): Buffer {
  const sets = relativeNames.map((attributes) =>
    encodeSetOf(
      attributes.map(({ type, value }) =>
        encode(tag.sequence, encodeOid(type), encodeDirectoryString(value)),
      ),
    ),
  )
  return encode(tag.sequence, ...sets)
}

/**
 * DER of the subject that cert-manager writes: Country, Organization, OrganizationalUnit, Locality, Province,
 * StreetAddress, PostalCode, SerialNumber, CommonName; several values of one kind share one relative name.
 */
export function encodeSubject(subject: SubjectFacts, commonName: string): Buffer {
  const fields: [string, readonly string[]][] = [
    [attributeTypes.C, subject.countries ?? []],
    [attributeTypes.O, subject.organizations ?? []],
    [attributeTypes.OU, subject.organizationalUnits ?? []],
    [attributeTypes.L, subject.localities ?? []],
    [attributeTypes.ST, subject.provinces ?? []],
    [attributeTypes.STREET, subject.streetAddresses ?? []],
    [attributeTypes.POSTALCODE, subject.postalCodes ?? []],
    [attributeTypes.SERIALNUMBER, subject.serialNumber ? [subject.serialNumber] : []],
    [attributeTypes.CN, commonName === '' ? [] : [commonName]],
  ]
  const present = fields.filter(([, values]) => values.length > 0)
  return encodeName(present.map(([type, values]) => values.map((value) => ({ type, value }))))
}

/** Go's choice, and so what every certificate of cert-manager holds: PrintableString where it fits, else UTF8String. */
function encodeDirectoryString(value: string): Buffer {
  const printable = /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(value)
  return encode(printable ? tag.printableString : tag.utf8String, Buffer.from(value, 'utf8'))
}

export function decodeName(der: Buffer): NameAttribute[][] {
  const sets = readElements(readOnly(der, tag.sequence, 'name').content)
  return sets.map((set) =>
    readElements(expect(set, tag.set, 'name').content).map((attribute) => {
      const [type, value] = readElements(expect(attribute, tag.sequence, 'name').content)
      if (value === undefined) throw new X509Error('name: an attribute has no value')
      return {
        type: decodeOid(expect(type, tag.oid, 'name').content),
        value: decodeText(value.tag, value.content),
      }
    }),
  )
}

function decodeText(valueTag: number, content: Buffer): string {
  switch (valueTag) {
    case 0x1e: // BMPString
      return Buffer.from(content.subarray(0, content.length & ~1))
        .swap16()
        .toString('utf16le')
    case 0x0c: // UTF8String
      return content.toString('utf8')
    case 0x12: // NumericString
    case 0x13: // PrintableString
    case 0x14: // TeletexString, which everybody fills with Latin-1
    case 0x16: // IA5String
    case 0x1a: // VisibleString
      return content.toString('latin1')
    default:
      return `#${content.toString('hex')}`
  }
}

/** The attributes that cert-manager has a field for. Of several common names or serial numbers the last counts. */
export function subjectFacts(der: Buffer): { commonName: string; subject: SubjectFacts } {
  const attributes = decodeName(der).flat()
  const valuesOf = (type: string) => attributes.filter((a) => a.type === type).map((a) => a.value)
  const lists = {
    organizations: valuesOf(attributeTypes.O),
    organizationalUnits: valuesOf(attributeTypes.OU),
    countries: valuesOf(attributeTypes.C),
    provinces: valuesOf(attributeTypes.ST),
    localities: valuesOf(attributeTypes.L),
    streetAddresses: valuesOf(attributeTypes.STREET),
    postalCodes: valuesOf(attributeTypes.POSTALCODE),
  }
  const subject: SubjectFacts = Object.fromEntries(
    Object.entries(lists).filter(([, values]) => values.length > 0),
  )
  const serialNumber = valuesOf(attributeTypes.SERIALNUMBER).at(-1)
  if (serialNumber !== undefined) subject.serialNumber = serialNumber
  return { commonName: valuesOf(attributeTypes.CN).at(-1) ?? '', subject }
}

/** RFC 4514 text of a name, last relative name first. */
export function nameText(der: Buffer): string {
  return decodeName(der)
    .reverse()
    .map((set) =>
      set.map(({ type, value }) => `${shortNames.get(type) ?? type}=${escapeValue(value)}`).join('+'),
    )
    .join(',')
}

function escapeValue(value: string): string {
  return value
    .replace(/[\\,+"<>;=]/g, '\\$&')
    .replaceAll('\0', '\\00')
    .replace(/^[ #]/, '\\$&')
    .replace(/ $/, '\\ ')
}
