import type { NameFacts } from '../../../workflows/domain/x509-facts.ts'
import { contextTag, decodeOid, encode, encodeOid, expect, readElements, readOnly, tag } from './der.ts'
import { ipBytes, ipText } from './ip.ts'
import { X509Error } from './x509-error.ts'

export type AlternativeNames = Pick<
  NameFacts,
  'dnsNames' | 'ipAddresses' | 'uris' | 'emailAddresses' | 'otherNames'
>

/** The choices of GeneralName (RFC 5280, 4.2.1.6) that Certificates can ask for. */
export const generalName = { otherName: 0, email: 1, dns: 2, uri: 6, ip: 7 } as const

/**
 * Value of the SAN extension, or undefined where there is no name.
 * @throws X509Error that names the field and the place in its list.
 */
export function encodeAlternativeNames(names: AlternativeNames): Buffer | undefined {
  const elements = [
    ...names.dnsNames.map((name, i) => ia5Name(generalName.dns, name, `dnsNames[${i}]`)),
    ...names.emailAddresses.map((name, i) => ia5Name(generalName.email, name, `emailAddresses[${i}]`)),
    ...names.ipAddresses.map((name, i) =>
      encode(
        contextTag(generalName.ip, false),
        named(`ipAddresses[${i}]`, () => ipBytes(name)),
      ),
    ),
    ...names.uris.map((name, i) => ia5Name(generalName.uri, name, `uris[${i}]`)),
    ...names.otherNames.map((name, i) => otherName(name, `otherNames[${i}]`)),
  ]
  return elements.length === 0 ? undefined : encode(tag.sequence, ...elements)
}

/** Adds the name of the field to the error of `make`. */
export function named<T>(field: string, make: () => T): T {
  try {
    return make()
  } catch (error) {
    if (error instanceof X509Error) throw new X509Error(`${field}: ${error.message}`)
    throw error
  }
}

/** A GeneralName whose value is an IA5String. */
export function ia5Name(choice: number, value: string, field: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(value)) {
    const remedy =
      choice === generalName.dns ? 'write international names in punycode (xn--)' : 'use printable ASCII'
    throw new X509Error(`${field}: is empty or has characters that a certificate cannot hold: ${remedy}`)
  }
  return encode(contextTag(choice, false), Buffer.from(value, 'latin1'))
}

function otherName({ oid, utf8Value }: { oid: string; utf8Value: string }, field: string): Buffer {
  if (utf8Value === '') throw new X509Error(`${field}.utf8Value: must be set`)
  const value = encode(contextTag(0, true), encode(tag.utf8String, Buffer.from(utf8Value, 'utf8')))
  return encode(
    contextTag(generalName.otherName, true),
    named(`${field}.oid`, () => encodeOid(oid)),
    value,
  )
}

/** Names of kinds that cert-manager has no field for (directory names, registered ids) are left out. */
export function decodeAlternativeNames(value: Buffer): AlternativeNames {
  const names: AlternativeNames = {
    dnsNames: [],
    ipAddresses: [],
    uris: [],
    emailAddresses: [],
    otherNames: [],
  }
  for (const element of readElements(readOnly(value, tag.sequence, 'subject alternative names').content)) {
    const text = element.content.toString('latin1')
    if (element.tag === contextTag(generalName.dns, false)) names.dnsNames.push(text)
    else if (element.tag === contextTag(generalName.email, false)) names.emailAddresses.push(text)
    else if (element.tag === contextTag(generalName.uri, false)) names.uris.push(text)
    else if (element.tag === contextTag(generalName.ip, false))
      names.ipAddresses.push(ipText(element.content))
    else if (element.tag === contextTag(generalName.otherName, true)) {
      const name = decodeOtherName(element.content)
      if (name !== undefined) names.otherNames.push(name)
    }
  }
  return names
}

/** Only UTF-8 values can be told in `otherNames`; others are somebody else's business. */
function decodeOtherName(content: Buffer): { oid: string; utf8Value: string } | undefined {
  const [type, value] = readElements(content)
  const oid = decodeOid(expect(type, tag.oid, 'other name').content)
  const [inner] = readElements(expect(value, contextTag(0, true), 'other name').content)
  return inner?.tag === tag.utf8String ? { oid, utf8Value: inner.content.toString('utf8') } : undefined
}
