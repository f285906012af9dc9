import type { DesiredCertificate } from './desired.ts'
import { defaultKeyAlgorithm } from './key-fits.ts'
import { invalid, type Problem } from './problem.ts'

type KeyAlgorithm = NonNullable<NonNullable<DesiredCertificate['privateKey']>['algorithm']>

const signatureAlgorithms: Readonly<Record<KeyAlgorithm, readonly string[]>> = {
  RSA: ['SHA256WithRSA', 'SHA384WithRSA', 'SHA512WithRSA'],
  ECDSA: ['ECDSAWithSHA256', 'ECDSAWithSHA384', 'ECDSAWithSHA512'],
  Ed25519: ['PureEd25519'],
}

const smallestRsa = 2048
const largestRsa = 8192
const curveSizes = [256, 384, 521]

export function keyProblems({ privateKey, signatureAlgorithm }: DesiredCertificate): Problem[] {
  const algorithm = privateKey?.algorithm || defaultKeyAlgorithm
  if (!Object.hasOwn(signatureAlgorithms, algorithm)) {
    const phrase = `is ${JSON.stringify(algorithm)}: use RSA, ECDSA or Ed25519`
    return [invalid('spec.privateKey.algorithm', phrase)]
  }
  const found: Problem[] = []
  const sizePhrase = sizeProblem(algorithm, privateKey?.size ?? 0)
  if (sizePhrase !== undefined) found.push(invalid('spec.privateKey.size', sizePhrase))
  if (signatureAlgorithm && !signatureAlgorithms[algorithm].includes(signatureAlgorithm)) {
    const allowed = signatureAlgorithms[algorithm].join(', ')
    const phrase = `is ${JSON.stringify(signatureAlgorithm)}, which no ${algorithm} key can make: use ${allowed}`
    found.push(invalid('spec.signatureAlgorithm', `${phrase}, or change spec.privateKey.algorithm`))
  }
  return found
}

/** A size of 0 or less means the default, as upstream reads it. */
function sizeProblem(algorithm: KeyAlgorithm, size: number): string | undefined {
  if (size <= 0) return undefined
  if (algorithm === 'RSA' && (size < smallestRsa || size > largestRsa)) {
    return `is ${size}: an RSA key has ${smallestRsa} to ${largestRsa} bits`
  }
  if (algorithm === 'ECDSA' && !curveSizes.includes(size)) {
    return `is ${size}: an ECDSA key has 256, 384 or 521 bits`
  }
  return undefined
}
