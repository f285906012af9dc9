/** An order that a CA has taken down, and the issuer whose account it belongs to. */
export interface PlacedOrder {
  /** Where the order is at the CA (RFC 8555 7.1.3). */
  url: string
  issuer: { kind: 'Issuer' | 'ClusterIssuer'; namespace: string; name: string }
}
