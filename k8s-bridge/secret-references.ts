/**
 * The names of all Secrets that an issuer's spec mentions: `secretName`, and `name` in every object under a key that
 * ends in `SecretRef` or is `secretRef`, also inside the free-form configuration of a webhook solver.
 */
export function secretNames(spec: unknown): string[] {
  const found = new Set<string>()
  collect(spec, '', found)
  return [...found].sort()
}

const REFERENCE = /(^secretRef|SecretRef|SecretSecretRef|credentialsRef|keySecretRef|caBundleSecretRef)$/

function collect(value: unknown, key: string, found: Set<string>): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, key, found)
    return
  }
  if (typeof value === 'string') {
    if (key === 'secretName' && value !== '') found.add(value)
    return
  }
  if (value === null || typeof value !== 'object') return
  const name = (value as { name?: unknown }).name
  if (REFERENCE.test(key) && typeof name === 'string' && name !== '') found.add(name)
  for (const [child, part] of Object.entries(value)) collect(part, child, found)
}
