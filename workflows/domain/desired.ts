/**
 * The part of a Certificate's spec that rules decide by, under the API's field names and optional like there. The
 * type that k8s-bridge/api infers from the schema is assignable to it.
 */
export interface IssuerReference {
  name: string
  kind?: string
  group?: string
}

export interface DesiredCertificate {
  secretName: string
  issuerRef: IssuerReference
  commonName?: string
  literalSubject?: string
  subject?: {
    organizations?: string[]
    organizationalUnits?: string[]
    countries?: string[]
    provinces?: string[]
    localities?: string[]
    streetAddresses?: string[]
    postalCodes?: string[]
    serialNumber?: string
  }
  dnsNames?: string[]
  ipAddresses?: string[]
  uris?: string[]
  emailAddresses?: string[]
  otherNames?: { oid?: string; utf8Value?: string }[]
  /** Go duration. */
  duration?: string
  /** Go duration. */
  renewBefore?: string
  renewBeforePercentage?: number
  renewal?: {
    policy: 'RenewBefore' | 'Disabled'
    windows?: { cron: string; windowDuration: string; timezone?: string }[]
  }
  isCA?: boolean
  usages?: string[]
  encodeUsagesInRequest?: boolean
  privateKey?: {
    algorithm?: 'RSA' | 'ECDSA' | 'Ed25519'
    size?: number
    encoding?: 'PKCS1' | 'PKCS8'
    rotationPolicy?: 'Never' | 'Always'
  }
  signatureAlgorithm?: string
  nameConstraints?: {
    critical?: boolean
    permitted?: {
      dnsDomains?: string[]
      ipRanges?: string[]
      emailAddresses?: string[]
      uriDomains?: string[]
    }
    excluded?: {
      dnsDomains?: string[]
      ipRanges?: string[]
      emailAddresses?: string[]
      uriDomains?: string[]
    }
  }
  revisionHistoryLimit?: number
}
