import 'reflect-metadata'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
  type Extension,
  type JsonName,
} from '@peculiar/x509'
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
  type KeyObject,
} from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Paths of one certificate and its key, both PEM. */
export interface KeyPairFiles {
  readonly cert: string
  readonly key: string
}

/** The keys and certificates of the local servers, all signed by one authority of their own. */
export interface Pki {
  readonly caCert: string
  readonly caPem: string
  /** Serves 127.0.0.1, localhost and the API server's in-cluster names. */
  readonly server: KeyPairFiles
  /** CN etcd-client, for kube-apiserver. */
  readonly etcdClient: KeyPairFiles
  /** In the group system:masters. */
  readonly admin: KeyPairFiles
  readonly controllerManager: KeyPairFiles
  /** Signs the tokens of service accounts. */
  readonly serviceAccountKey: string
  readonly serviceAccountPublicKey: string
}

const day = 24 * 60 * 60 * 1000
const signing = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Makes what is missing in `folder`; the authority stays, the other certificates are new at every start. */
export async function preparePki(folder: string): Promise<Pki> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const ca = await authority(folder)
  const clientUse = [ExtendedKeyUsage.clientAuth]
  const [server, etcdClient, admin, controllerManager] = await Promise.all([
    issue(
      ca,
      folder,
      'server',
      [{ CN: ['certloom local server'] }],
      [ExtendedKeyUsage.serverAuth],
      [
        new SubjectAlternativeNameExtension([
          ...['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'].map(dns),
          ...['127.0.0.1', '10.0.0.1'].map((value) => ({ type: 'ip' as const, value })),
        ]),
      ],
    ),
    issue(ca, folder, 'etcd-client', [{ CN: ['etcd-client'] }], clientUse),
    issue(ca, folder, 'admin', [{ O: ['system:masters'] }, { CN: ['local-admin'] }], clientUse),
    issue(ca, folder, 'controller-manager', [{ CN: ['system:kube-controller-manager'] }], clientUse),
  ])
  const serviceAccountKey = join(folder, 'service-account.key')
  const serviceAccountPublicKey = join(folder, 'service-account.pub')
  const accountKey = createPublicKey(await keyAt(serviceAccountKey))
  await writeFile(serviceAccountPublicKey, accountKey.export({ type: 'spki', format: 'pem' }))
  return {
    caCert: join(folder, 'ca.crt'),
    caPem: ca.cert.toString('pem'),
    server,
    etcdClient,
    admin,
    controllerManager,
    serviceAccountKey,
    serviceAccountPublicKey,
  }
}

interface Authority {
  readonly cert: X509Certificate
  readonly key: webcrypto.CryptoKey
}

async function authority(folder: string): Promise<Authority> {
  const key = await keyAt(join(folder, 'ca.key'))
  const file = join(folder, 'ca.crt')
  const keys = await cryptoKeys(key)
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) {
    const cert = new X509Certificate(kept)
    const ours = await cert.verify({ publicKey: keys.publicKey, signatureOnly: true })
    if (ours && cert.notAfter.getTime() > Date.now() + 30 * day) return { cert, key: keys.privateKey }
  }
  const cert = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: ['certloom local servers'] }],
    keys,
    ...validity(3650),
    signingAlgorithm: signing,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  await writeFile(file, cert.toString('pem'))
  return { cert, key: keys.privateKey }
}

async function issue(
  ca: Authority,
  folder: string,
  name: string,
  subject: JsonName,
  usage: ExtendedKeyUsage[],
  extra: Extension[] = [],
): Promise<KeyPairFiles> {
  const files = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) }
  const { publicKey } = await cryptoKeys(await keyAt(files.key))
  const cert = await X509CertificateGenerator.create({
    subject,
    issuer: ca.cert.subject,
    publicKey,
    signingKey: ca.key,
    ...validity(365),
    signingAlgorithm: signing,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(usage),
      ...extra,
    ],
  })
  await writeFile(files.cert, cert.toString('pem'))
  return files
}

function dns(value: string) {
  return { type: 'dns' as const, value }
}

function validity(days: number) {
  const now = Date.now()
  return { notBefore: new Date(now - 60 * 60 * 1000), notAfter: new Date(now + days * day) }
}

/** The P-256 key in a file, made if it is not there. */
async function keyAt(file: string): Promise<KeyObject> {
  const kept = await readFile(file, 'utf8').catch(() => undefined)
  if (kept !== undefined) return createPrivateKey(kept)
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  await writeFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 })
  return privateKey
}

async function cryptoKeys(key: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const jwk = key.export({ format: 'jwk' })
  const { d: _secret, ...publicPart } = jwk
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('jwk', { ...jwk, ext: true }, signing, true, ['sign']),
    webcrypto.subtle.importKey('jwk', { ...publicPart, ext: true }, signing, true, ['verify']),
  ])
  return { privateKey, publicKey }
}
