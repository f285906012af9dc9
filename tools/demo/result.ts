import { matchesKey, parseChain, verifyChain } from '../../activities/clients/x509.ts'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import type { Certificate } from '../../k8s-bridge/api/certificate.ts'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { errorText } from '../servers/error.ts'
import { DemoError } from './error.ts'

interface Secret {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels?: Record<string, string>
  }
  readonly type?: string
  readonly data?: Readonly<Record<string, string>>
}

/** One thing that must hold of the issued certificate. */
export interface Check {
  readonly good: boolean
  /** What was found, or what is wrong. */
  readonly finding: string
}

export interface IssuedResult {
  readonly subject: string
  readonly dnsNames: readonly string[]
  readonly issuer: string
  readonly serial: string
  readonly notBefore: string
  readonly notAfter: string
  readonly renewalTime: string
  readonly chain: Check
  readonly key: Check
  readonly names: Check
  readonly secret: {
    readonly name: string
    readonly type: string
    readonly keys: string[]
    readonly labels: string[]
  }
}

/**
 * Reads the certificate from its Secret, as any user of it would, and holds it against its root, its key and its spec.
 * @throws DemoError where there is no Secret or no certificate in it
 */
export async function inspectResult(
  kubernetes: Kubernetes,
  certificate: Certificate,
  rootPem: string,
): Promise<IssuedResult> {
  const { namespace = '' } = certificate.metadata
  const { secretName, dnsNames = [] } = certificate.spec
  const secret = await kubernetes.get<Secret>(apiPath('Secret', namespace, secretName))
  if (secret === undefined)
    throw new DemoError(`the Certificate is Ready, but there is no Secret ${namespace}/${secretName}`)
  const chainPem = bytes(secret, 'tls.crt')
  const keyPem = bytes(secret, 'tls.key')
  const [leaf, ...intermediates] = parseChain(chainPem)
  if (leaf === undefined)
    throw new DemoError(`Secret ${namespace}/${secretName} has no certificate in tls.crt`)
  const { facts } = leaf
  return {
    subject: facts.commonName === '' ? '(empty: the names are alternative names)' : `CN=${facts.commonName}`,
    dnsNames: facts.dnsNames,
    issuer: facts.issuerName,
    serial: facts.serial,
    notBefore: facts.notBefore,
    notAfter: facts.notAfter,
    renewalTime: certificate.status?.renewalTime ?? '(none)',
    chain: check(() => {
      const path = verifyChain({
        leafPem: leaf.pem,
        intermediatesPem: intermediates.map(({ pem }) => pem).join(''),
        rootsPem: rootPem,
        // A wildcard is good for any one label.
        names: dnsNames.map((name) => name.replace(/^\*\./, 'www.')),
        now: new Date(),
      })
      return `leads to Pebble's root in ${path.length - 1} steps, good for ${dnsNames.join(' and ')}`
    }),
    key: check(() => {
      if (!matchesKey(chainPem, keyPem)) throw new Error('tls.key is not the key of the certificate')
      return 'tls.key is the key of the certificate'
    }),
    names: check(() => {
      const [wanted, got] = [dnsNames, facts.dnsNames].map((names) => [...names].sort().join(', '))
      if (wanted !== got) throw new Error(`the certificate is for ${got}, wanted are ${wanted}`)
      return 'exactly those of spec.dnsNames'
    }),
    secret: {
      name: `${namespace}/${secretName}`,
      type: secret.type ?? '',
      keys: Object.keys(secret.data ?? {}),
      labels: Object.entries(secret.metadata.labels ?? {}).map(([name, value]) => `${name}=${value}`),
    },
  }
}

function bytes(secret: Secret, key: string): Buffer {
  return Buffer.from(secret.data?.[key] ?? '', 'base64')
}

function check(look: () => string): Check {
  try {
    return { good: true, finding: look() }
  } catch (error) {
    return { good: false, finding: errorText(error) }
  }
}
