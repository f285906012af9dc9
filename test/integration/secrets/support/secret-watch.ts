import { createHash, createPublicKey, X509Certificate, type KeyObject } from 'node:crypto'
import { apiPath } from '../../../../k8s-bridge/api/kinds.ts'
import type { AnyObject, World } from '../../support/world.ts'
import { Follow } from './follow.ts'
import type { Marks } from './marks.ts'

/** A certificate that was issued. */
export interface Leaf {
  /** `<namespace>/<name>` of the Secret that it was first seen in. */
  readonly secret: string
  readonly hasMarkedKey: boolean
}

/** Marks every private key that any Secret of the cluster ever holds: those of a next key live for milliseconds. */
export class KeyWatch {
  readonly #marks: Marks
  /** Where the certificates of the test are. */
  readonly #namespace: string
  #follow: Follow | undefined
  /** Fingerprints of the public keys of what was marked. */
  readonly #marked = new Set<string>()
  /** By serial number: Secret and fingerprint of the public key. */
  readonly #leaves = new Map<string, { secret: string; key: string }>()

  private constructor(marks: Marks, namespace: string) {
    this.#marks = marks
    this.#namespace = namespace
  }

  static async start(world: World, marks: Marks, namespace: string): Promise<KeyWatch> {
    const watch = new KeyWatch(marks, namespace)
    watch.#follow = await Follow.start(world, apiPath('Secret'), (secret) => watch.#mark(secret))
    return watch
  }

  /** @throws Error if the watch broke off: a key may then be unmarked */
  async stop(): Promise<void> {
    await this.#follow?.stop()
  }

  /** Every certificate that a Secret of the namespace ever held first in its chain, each serial number once. */
  leaves(): Leaf[] {
    return [...this.#leaves.values()].map(({ secret, key }) => ({
      secret,
      hasMarkedKey: this.#marked.has(key),
    }))
  }

  #mark({ metadata, data = {} }: AnyObject): void {
    const name = `${metadata.namespace}/${metadata.name}`
    for (const [key, value] of Object.entries(data)) {
      const bytes = Buffer.from(value, 'base64')
      if (bytes.includes('PRIVATE KEY-----')) {
        for (const marked of this.#marks.addPem(`Secret ${name} ${key}`, bytes.toString()))
          this.#marked.add(fingerprint(createPublicKey(marked)))
      }
      if (key === 'tls.crt' && metadata.namespace === this.#namespace && bytes.length > 0) {
        const { serialNumber, publicKey } = new X509Certificate(bytes)
        if (!this.#leaves.has(serialNumber))
          this.#leaves.set(serialNumber, { secret: name, key: fingerprint(publicKey) })
      }
      // The key of the record annotations.
      if (metadata.name === 'certloom-record-key') this.#marks.add(`Secret ${name} ${key}`, bytes)
    }
  }
}

/** SHA-256 of the SubjectPublicKeyInfo (RFC 5280 4.1.2.7). */
function fingerprint(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}
