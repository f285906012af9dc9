/** What the local servers consist of; 'kubectl' is no server, it only makes sure that the program is there. */
export const serverNames = [
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'temporal',
  'pebble',
  'dns',
  'kubectl',
] as const
export type ServerName = (typeof serverNames)[number]

export interface KubernetesFacts {
  readonly url: string
  /** PEM of the authority that signed the API server's certificate. */
  readonly caPem: string
  /** Kubeconfig of a user in system:masters. */
  readonly adminKubeconfigPath: string
  readonly adminCertPath: string
  readonly adminKeyPath: string
  /** Present when started with `audit: true`: one JSON event per line, level Metadata. */
  readonly auditLogPath?: string
}

export interface TemporalFacts {
  /** host:port of the gRPC frontend. */
  readonly address: string
  readonly uiUrl: string
  /** Prometheus metrics of the server. */
  readonly metricsUrl: string
  readonly dbFile: string
  /** The Temporal CLI. */
  readonly cliPath: string
}

export interface PebbleFacts {
  readonly directoryUrl: string
  readonly managementUrl: string
  /** PEM of the authority that signed Pebble's own TLS certificate, not of the one that it issues with. */
  readonly caPem: string
  /** Port on which Pebble looks for HTTP-01 answers; nothing of ours listens there. */
  readonly httpPort: number
  /** Port on which Pebble looks for TLS-ALPN-01 answers; nothing of ours listens there. */
  readonly tlsPort: number
  /** Pebble's log, with a line per request. */
  readonly httpLogPath: string
}

export interface DnsFacts {
  /** host:port of the resolver that Pebble asks, UDP and TCP. */
  readonly resolver: string
  /** host:port of the authoritative servers, UDP and TCP. */
  readonly authoritative: readonly string[]
  readonly controlUrl: string
  readonly zones: readonly string[]
}

/** Everything about running servers that can be written to a file. */
export interface ServersFacts {
  readonly dataDir: string
  /** The process that started the servers and keeps them. */
  readonly ownerPid: number
  readonly kubernetes?: KubernetesFacts
  readonly temporal?: TemporalFacts
  readonly pebble?: PebbleFacts
  readonly dns?: DnsFacts
  readonly kubectlPath?: string
}
