import type { Kubernetes } from '../activities/clients/kubernetes.ts'
import type { KnownFacts } from '../workflows/messages.ts'
import type { Certificate } from './api/certificate.ts'
import type { CertificateRequest } from './api/certificate-request.ts'
import type { Challenge } from './api/challenge.ts'
import type { Issuer } from './api/issuer.ts'
import { apiPath } from './api/kinds.ts'
import { keyOf, type Target } from './doorbell.ts'
import { informer, type Handler } from './informers/definition.ts'
import type { InformerHealth } from './informers/informer.ts'
import { InformerRegistry } from './informers/registry.ts'
import type { Store } from './informers/store.ts'
import {
  keepCertificate,
  keepChallenge,
  keepIssuer,
  keepRequest,
  keepSecret,
  type KeptCertificate,
  type KeptChallenge,
  type KeptIssuer,
  type KeptRequest,
  type KeptSecret,
} from './kept.ts'
import type { Logger } from './logger.ts'

export interface WatchedOptions {
  kubernetes: Kubernetes
  logger: Logger
  clusterResourceNamespace: string
  /** Look whether its facts are news; with a cause, ring even if they are not. */
  changed: (target: Target, cause: string) => void
  /** The fact changed by our own writing. */
  ownWrite: (target: Target, field: 'issuing' | 'secretVersion') => void
  /** Hears of every change of a Certificate; for metrics. */
  observer?: Required<Pick<Handler<KeptCertificate>, 'onUpdate' | 'onDelete'>>
}

/** What metrics are made of: the objects as the API server showed them last, whether Temporal is there or not. */
export interface ObservedStores {
  readonly certificates: Store<KeptCertificate>
  readonly issuers: Store<KeptIssuer>
  readonly clusterIssuers: Store<KeptIssuer>
  readonly challenges: Store<KeptChallenge>
}

/** The resources that the bridge watches, and for whom a change of each of them matters. */
export class Watched {
  readonly #options: WatchedOptions
  readonly #registry: InformerRegistry
  readonly #certificates: Store<KeptCertificate>
  readonly #issuers: Record<KeptIssuer['kind'], Store<KeptIssuer>>
  readonly #secrets: Store<KeptSecret>

  constructor(options: WatchedOptions) {
    this.#options = options
    this.#registry = new InformerRegistry({
      kubernetes: options.kubernetes,
      logger: options.logger,
      startTimeout: 30_000,
    })
    this.#registry.register({
      name: 'bridge',
      informers: [
        this.#certificateInformer(),
        this.#issuerInformer('Issuer'),
        this.#issuerInformer('ClusterIssuer'),
        this.#requestInformer(),
        this.#secretInformer(),
        // Nobody is rung for: the metrics show them.
        informer<KeptChallenge, Challenge>({
          name: 'challenges',
          path: apiPath('Challenge'),
          shrink: keepChallenge,
        }),
      ],
    })
    this.#certificates = this.#registry.store('certificates')
    this.#issuers = {
      Issuer: this.#registry.store('issuers'),
      ClusterIssuer: this.#registry.store('clusterissuers'),
    }
    this.#secrets = this.#registry.store('secrets')
  }

  get synced(): boolean {
    return this.#registry.hasSynced('bridge')
  }

  get stores(): ObservedStores {
    return {
      certificates: this.#certificates,
      issuers: this.#issuers.Issuer,
      clusterIssuers: this.#issuers.ClusterIssuer,
      challenges: this.#registry.store('challenges'),
    }
  }

  health(): InformerHealth[] {
    return this.#registry.health()
  }

  async start(): Promise<void> {
    await this.#registry.start()
  }

  stop(): Promise<void> {
    return this.#registry.stop()
  }

  /** Undefined where the object is not there (any more). */
  facts(target: Target): KnownFacts | undefined {
    if (target.kind !== 'Certificate') {
      const issuer = this.#issuers[target.kind].get(storeKey(target))
      return (
        issuer && { uid: issuer.metadata.uid, generation: issuer.generation, issuing: '', secretVersion: '' }
      )
    }
    const certificate = this.#certificates.get(storeKey(target))
    if (certificate === undefined) return undefined
    const secret = this.#secrets.get(`${target.namespace}/${certificate.secretName}`)
    return {
      uid: certificate.metadata.uid,
      generation: certificate.generation,
      issuing: certificate.issuing,
      secretVersion: secret?.metadata.resourceVersion ?? '',
      ...(certificate.paused && { paused: true }),
    }
  }

  /** A Certificate that is not Ready, or an issuer: somebody looks at it and wonders. */
  waits(target: Target): boolean {
    const found = (target.kind === 'Certificate' ? this.#certificates : this.#issuers[target.kind]).get(
      storeKey(target),
    )
    return found !== undefined && (!found.ready || (found.kind === 'Certificate' && found.issuing !== ''))
  }

  /** acme, ca, selfSigned …; empty where the issuer is not there. `issuer` as in KeptCertificate. */
  issuerType(issuer: string): string {
    const [kind = '', namespace = '', name = ''] = issuer.split('/')
    const store = this.#issuers[kind === 'Issuer' ? 'Issuer' : 'ClusterIssuer']
    return store.get(namespace === '' ? name : `${namespace}/${name}`)?.type ?? ''
  }

  targets(): Target[] {
    return [
      ...this.#certificates.list().map(targetOf),
      ...this.#issuers.Issuer.list().map(targetOf),
      ...this.#issuers.ClusterIssuer.list().map(targetOf),
    ]
  }

  #certificateInformer() {
    const { changed, ownWrite, observer } = this.#options
    return informer<KeptCertificate, Certificate>({
      name: 'certificates',
      path: apiPath('Certificate'),
      shrink: keepCertificate,
      indexes: {
        secret: (one) => [`${one.metadata.namespace}/${one.secretName}`],
        issuer: (one) => [one.issuer],
      },
      handler: {
        onAdd: (one) => changed(targetOf(one), ''),
        onUpdate: (one, before) => {
          // The next key's name changes only by our own hand, in the write that begins an issuance.
          const asked = one.generation !== before.generation || one.paused !== before.paused
          const ours = !asked && (one.nextKey !== before.nextKey || one.issuing === '')
          if (ours) ownWrite(targetOf(one), 'issuing')
          else changed(targetOf(one), '')
          void observer?.onUpdate(one, before)
        },
        onDelete: (one) => {
          changed(targetOf(one), 'deleted')
          void observer?.onDelete(one)
        },
      },
    })
  }

  #issuerInformer(kind: KeptIssuer['kind']) {
    return informer<KeptIssuer, Issuer>({
      name: kind === 'Issuer' ? 'issuers' : 'clusterissuers',
      path: apiPath(kind),
      shrink: keepIssuer(kind),
      indexes: { secret: (one) => one.secrets.map((name) => `${this.#secretNamespace(one)}/${name}`) },
      handler: {
        onAdd: (one) => {
          this.#options.changed(targetOf(one), '')
          // The first list shows what was there before: whoever waits has been told of it, or looks again by itself.
          if (this.synced) this.#ringWaiting(one, `${kind} appeared`)
        },
        onUpdate: (one, before) => {
          this.#options.changed(targetOf(one), '')
          const turned = one.ready && (!before.ready || one.generation !== before.generation)
          if (turned || one.generation !== before.generation) this.#ringWaiting(one, `${kind} changed`)
        },
        onDelete: (one) => this.#options.changed(targetOf(one), 'deleted'),
      },
    })
  }

  #requestInformer() {
    const ring = (one: KeptRequest, cause: string) => {
      if (one.certificate === '') return
      const target: Target = {
        kind: 'Certificate',
        namespace: one.metadata.namespace ?? '',
        name: one.certificate,
      }
      const owner = this.#certificates.get(storeKey(target))
      if (owner?.metadata.uid === one.certificateUid && owner.issuing !== '')
        this.#options.changed(target, cause)
    }
    return informer<KeptRequest, CertificateRequest>({
      name: 'certificaterequests',
      path: apiPath('CertificateRequest'),
      shrink: keepRequest,
      handler: {
        onUpdate: (one, before) => {
          if (one.news !== before.news) ring(one, `request: ${one.news}`)
        },
        onDelete: (one) => ring(one, 'request deleted'),
      },
    })
  }

  #secretInformer() {
    const look = (one: KeptSecret, cause: string, ours: boolean) => {
      const place = `${one.metadata.namespace}/${one.metadata.name}`
      for (const certificate of this.#certificates.byIndex('secret', place)) {
        if (ours) this.#options.ownWrite(targetOf(certificate), 'secretVersion')
        else this.#options.changed(targetOf(certificate), '')
      }
      for (const store of Object.values(this.#issuers)) {
        for (const issuer of store.byIndex('secret', place)) {
          this.#options.changed(targetOf(issuer), cause)
          this.#ringWaiting(issuer, cause)
        }
      }
    }
    return informer<KeptSecret>({
      name: 'secrets',
      path: apiPath('Secret'),
      query: { fieldSelector: 'type!=helm.sh/release.v1' },
      metadataOnly: true,
      shrink: keepSecret,
      handler: {
        onAdd: (one) => {
          // The first list shows what was there before: nothing of it is news to an issuer.
          if (this.synced) look(one, 'Secret appeared', one.published !== '')
        },
        onUpdate: (one, before) => {
          look(one, 'Secret changed', one.published !== '' && one.published !== before.published)
        },
        onDelete: (one) => look(one, 'Secret deleted', false),
      },
    })
  }

  /** Only for those who wait: a Certificate that is Ready and quiet does not care how its issuer fares. */
  #ringWaiting(issuer: KeptIssuer, cause: string): void {
    for (const certificate of this.#certificates.byIndex('issuer', keyOf(targetOf(issuer)))) {
      if (!certificate.ready || certificate.issuing !== '')
        this.#options.changed(targetOf(certificate), cause)
    }
  }

  #secretNamespace(issuer: KeptIssuer): string {
    return issuer.metadata.namespace ?? this.#options.clusterResourceNamespace
  }
}

function targetOf({
  kind,
  metadata,
}: {
  kind: Target['kind']
  metadata: { namespace?: string; name: string }
}): Target {
  return { kind, namespace: metadata.namespace ?? '', name: metadata.name }
}

function storeKey({ namespace, name }: Target): string {
  return namespace === '' ? name : `${namespace}/${name}`
}
