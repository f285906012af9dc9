import type { DesiredCertificate } from './desired.ts'
import { findKeyMaterial } from './key-material.ts'
import { invalid, type Problem } from './problem.ts'

/** Private keys that somebody put into a field that everybody may read. No message repeats anything of them. */
export function secretProblems(desired: DesiredCertificate): Problem[] {
  return texts(desired, 'spec').flatMap(([field, text]) => {
    const found = findKeyMaterial(text)
    if (found === undefined) return []
    const remedy = 'take it out and replace that key, since whoever may read this object has it'
    return [invalid(field, `holds ${found}: ${remedy}`)]
  })
}

function texts(value: unknown, path: string): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]]
  if (Array.isArray(value)) return value.flatMap((item, index) => texts(item, `${path}[${index}]`))
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, item]) => texts(item, `${path}.${name}`))
}
