import { keepCertificate, keepChallenge, keepIssuer } from '../../../k8s-bridge/kept.ts'
import { IndexedStore, objectKey, type StoredObject } from '../../../k8s-bridge/informers/store.ts'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import type { Challenge } from '../../../k8s-bridge/api/challenge.ts'
import type { Issuer } from '../../../k8s-bridge/api/issuer.ts'
import { recordingLogger } from './harness.ts'

/** Stores as the informers fill them: `put` takes an object as the API server shows it. */
export function stores() {
  const certificates = storeOf(keepCertificate)
  const issuers = storeOf(keepIssuer('Issuer'))
  const clusterIssuers = storeOf(keepIssuer('ClusterIssuer'))
  const challenges = storeOf(keepChallenge)
  return {
    observed: {
      certificates: certificates.store,
      issuers: issuers.store,
      clusterIssuers: clusterIssuers.store,
      challenges: challenges.store,
    },
    certificates,
    issuers,
    clusterIssuers,
    challenges,
  }
}

function storeOf<Raw, T extends StoredObject>(keep: (raw: Raw) => T) {
  const store = new IndexedStore<T>(recordingLogger())
  return {
    store,
    put(raw: Raw): T {
      const kept = keep(raw)
      store.set(objectKey(kept), kept)
      return kept
    },
    remove: (key: string) => store.remove(key),
  }
}

export interface CertificateWish {
  name?: string
  issuing?: boolean
  ready?: 'True' | 'False' | 'Unknown'
  stalled?: string
  failures?: number
  paused?: boolean
  notBefore?: string
  notAfter?: string
  renewalTime?: string
}

export function certificate(wish: CertificateWish = {}): Certificate {
  const { name = 'web', issuing, ready, stalled, failures, paused, notBefore, notAfter, renewalTime } = wish
  const condition = (type: string, status: 'True' | 'False' | 'Unknown', reason: string) => ({
    type,
    status,
    reason,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })
  return {
    apiVersion: 'cert-manager.io/v1',
    kind: 'Certificate',
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 1,
      ...(paused && { annotations: { 'certloom.dev/paused': 'true' } }),
    },
    spec: { secretName: `${name}-tls`, issuerRef: { name: 'ca', kind: 'Issuer', group: 'cert-manager.io' } },
    status: {
      notBefore,
      notAfter,
      renewalTime,
      failedIssuanceAttempts: failures,
      conditions: [
        ...(ready === undefined ? [] : [condition('Ready', ready, 'Ready')]),
        ...(issuing ? [condition('Issuing', 'True', 'Renewing')] : []),
        ...(stalled === undefined ? [] : [condition('Stalled', 'True', stalled)]),
      ],
    },
  }
}

export function issuer(name: string, spec: object, ready?: 'True' | 'False', namespace?: string): Issuer {
  return {
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      uid: `uid-${name}`,
      resourceVersion: '1',
      generation: 2,
    },
    spec,
    status: {
      conditions: ready === undefined ? [] : [{ type: 'Ready', status: ready, observedGeneration: 1 }],
    },
  }
}

export function challenge(
  name: string,
  state: string,
  more: { record?: boolean; deleted?: boolean } = {},
): Challenge {
  return {
    metadata: {
      name,
      namespace: 'shop',
      uid: `uid-${name}`,
      resourceVersion: '1',
      ...(more.record && { annotations: { 'certloom.dev/record': 'sealed' } }),
      ...(more.deleted && { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    },
    spec: { dnsName: 'example.com', type: 'DNS-01' },
    status: { state, reason: 'waiting "here"', processing: true },
  } as Challenge
}
