import type { DesiredCertificate } from './desired.ts'
import type { KeyFacts } from './x509-facts.ts'

export const defaultKeyAlgorithm = 'RSA'

/** Bits where spec.privateKey.size is absent or not positive; Ed25519 has one size only. */
export const defaultKeySize = { RSA: 2048, ECDSA: 256, Ed25519: 0 } as const

/**
 * The fields of the spec that a private key does not fit, empty where it fits. The encoding is not compared: it is
 * changed when the Secret is next written, without a new key.
 */
export function keyMismatches(key: KeyFacts, desired: Pick<DesiredCertificate, 'privateKey'>): string[] {
  const algorithm = desired.privateKey?.algorithm || defaultKeyAlgorithm
  if (key.algorithm !== algorithm) return ['spec.privateKey.algorithm']
  if (algorithm === 'Ed25519') return []
  const wanted = desired.privateKey?.size ?? 0
  const size = wanted > 0 ? wanted : defaultKeySize[algorithm]
  return key.size === size ? [] : ['spec.privateKey.size']
}
