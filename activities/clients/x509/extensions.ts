import type { NameFacts } from '../../../workflows/domain/x509-facts.ts'
import { decodeAlternativeNames } from './alternative-names.ts'
import { decodeBoolean, decodeOid, expect, readElements, readOnly, tag, type DerElement } from './der.ts'
import { subjectFacts } from './distinguished-name.ts'
import { decodeExtendedUsages, decodeKeyUsage, type UsageSet } from './usages.ts'
import { X509Error } from './x509-error.ts'

/** Object identifiers of the extensions of RFC 5280 that are read or written here. */
export const extensionIds = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
} as const

export interface ExtensionValue {
  critical: boolean
  value: Buffer
}

export type Extensions = ReadonlyMap<string, ExtensionValue>

/** Extensions ::= SEQUENCE OF; one that appears twice is refused (RFC 5280, 4.2). */
export function readExtensions(der: Buffer): Extensions {
  const extensions = new Map<string, ExtensionValue>()
  for (const element of readElements(readOnly(der, tag.sequence, 'extensions').content)) {
    const parts = readElements(expect(element, tag.sequence, 'extension').content)
    const oid = decodeOid(expect(parts[0], tag.oid, 'extension').content)
    const critical = parts[1]?.tag === tag.boolean && decodeBoolean(parts[1].content)
    const value: DerElement = expect(parts.at(-1), tag.octetString, 'extension')
    if (extensions.has(oid)) throw new X509Error(`extension ${oid} appears twice`)
    extensions.set(oid, { critical, value: value.content })
  }
  return extensions
}

export function nameFacts(subjectDer: Buffer, extensions: Extensions): NameFacts {
  const san = extensions.get(extensionIds.subjectAlternativeName)
  const none = { dnsNames: [], ipAddresses: [], uris: [], emailAddresses: [], otherNames: [] }
  return {
    ...subjectFacts(subjectDer),
    subjectDer: subjectDer.toString('hex'),
    ...(san === undefined ? none : decodeAlternativeNames(san.value)),
  }
}

/** Undefined where there is neither a KeyUsage nor an ExtendedKeyUsage. */
export function usagesOf(extensions: Extensions): UsageSet | undefined {
  const keyUsage = extensions.get(extensionIds.keyUsage)
  const extended = extensions.get(extensionIds.extendedKeyUsage)
  if (keyUsage === undefined && extended === undefined) return undefined
  return {
    keyUsageBits: keyUsage === undefined ? 0 : decodeKeyUsage(keyUsage.value),
    extended: extended === undefined ? [] : decodeExtendedUsages(extended.value),
  }
}

/** BasicConstraints (RFC 5280, 4.2.1.9); undefined where the extension is absent. */
export function basicConstraintsOf(
  extensions: Extensions,
): { isCA: boolean; pathLength?: number } | undefined {
  const extension = extensions.get(extensionIds.basicConstraints)
  if (extension === undefined) return undefined
  const [first, second] = readElements(readOnly(extension.value, tag.sequence, 'basic constraints').content)
  const isCA = first?.tag === tag.boolean && decodeBoolean(first.content)
  const length = first?.tag === tag.integer ? first : second
  if (length === undefined) return { isCA }
  const bytes = expect(length, tag.integer, 'basic constraints').content
  if (bytes.length === 0 || bytes.length > 4) throw new X509Error('basic constraints: malformed structure')
  return { isCA, pathLength: bytes.readIntBE(0, bytes.length) }
}
