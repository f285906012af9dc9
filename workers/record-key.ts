import { randomBytes } from 'node:crypto'
import { apiPath } from '../k8s-bridge/api/kinds.ts'
import { isStatus, type Kubernetes } from '../activities/clients/kubernetes.ts'
import { CertloomError } from '../activities/failure.ts'
import { knownSecrets } from '../activities/secrets/known-secrets.ts'
import { secretBytes, type Secret } from '../activities/objects.ts'

const NAME = 'certloom-record-key'
const KEY = 'hmac'

/** The key of the record annotations, from a Secret of certloom's own namespace; made once, then the same for ever. */
export function recordKey(kubernetes: Kubernetes, namespace: string): () => Promise<Buffer> {
  let known: Promise<Buffer> | undefined
  return () => {
    known ??= readOrMake(kubernetes, namespace).catch((error: unknown) => {
      known = undefined
      throw error
    })
    return known
  }
}

async function readOrMake(kubernetes: Kubernetes, namespace: string): Promise<Buffer> {
  const path = apiPath('Secret', namespace, NAME)
  const found = await kubernetes.get<Secret>(path)
  if (found === undefined) {
    const secret = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: NAME, namespace, labels: { 'app.kubernetes.io/part-of': 'certloom' } },
      type: 'Opaque',
      data: { [KEY]: randomBytes(32).toString('base64') },
    }
    try {
      await kubernetes.create(apiPath('Secret', namespace), secret)
    } catch (error) {
      if (!isStatus(error, 409)) throw error
    }
  }
  const secret = found ?? (await kubernetes.get<Secret>(path))
  const key = secret === undefined ? undefined : secretBytes(secret, KEY)
  if (key === undefined || key.length < 32) {
    throw new CertloomError(
      'SecretInvalid',
      `Secret ${namespace}/${NAME} needs the key "${KEY}" with 32 bytes; delete it to have it made anew`,
    )
  }
  knownSecrets.add(key, { pinned: true })
  return key
}
