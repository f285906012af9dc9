/**
 * What certloom knows of a key, a request or a certificate, as plain data: safe to decide with and safe to keep in a
 * history. Nothing here is secret; keys appear only as fingerprints.
 */

/** X.520 attributes of a distinguished name, under cert-manager's field names. */
export interface SubjectFacts {
  organizations?: string[]
  organizationalUnits?: string[]
  countries?: string[]
  provinces?: string[]
  localities?: string[]
  streetAddresses?: string[]
  postalCodes?: string[]
  serialNumber?: string
}

/** The names of a request or a certificate. Lists are in the order of the document; absent means empty. */
export interface NameFacts {
  commonName: string
  subject: SubjectFacts
  /** The subject as DER in lower-case hex: the only exact way to compare it with `literalSubject`. */
  subjectDer: string
  dnsNames: string[]
  /** Canonical text form (RFC 5952 for IPv6). */
  ipAddresses: string[]
  uris: string[]
  emailAddresses: string[]
  otherNames: { oid: string; utf8Value: string }[]
}

export interface KeyFacts {
  algorithm: 'RSA' | 'ECDSA' | 'Ed25519'
  /** Bits of the modulus or of the curve; 0 for Ed25519. */
  size: number
  encoding: 'PKCS1' | 'PKCS8'
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  publicKeySha256: string
}

export interface RequestFacts extends NameFacts {
  publicKeySha256: string
  isCA: boolean
  /** Key usages under cert-manager's names, or undefined where the request carries neither KU nor EKU. */
  usages?: string[]
  /** True when the request's self-signature verifies. */
  signatureValid: boolean
}

export interface CertificateFacts extends NameFacts {
  publicKeySha256: string
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string
  /** Lower-case hex without leading zeros. */
  serial: string
  issuerName: string
  isCA: boolean
  usages?: string[]
  /** RFC 3339, whole seconds, UTC. */
  notBefore: string
  notAfter: string
}
