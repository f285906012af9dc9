/** How a cell's certificate is issued: signed in one step, or ordered at a CA and proven through DNS. */
export type Path = 'ca' | 'selfSigned' | 'acme'
/** Around an effect: nothing of it has happened, or all of it has and nobody has learned so yet. */
export type When = 'before' | 'after'

/** Every effect of an issuance, in the order in which it happens, and the paths that have it. */
export const faultPoints = {
  account: ['acme'],
  issuing: ['ca', 'selfSigned', 'acme'],
  key: ['ca', 'selfSigned', 'acme'],
  request: ['ca', 'selfSigned', 'acme'],
  approve: ['acme'],
  'new-order': ['acme'],
  'order-recorded': ['acme'],
  challenge: ['acme'],
  claim: ['acme'],
  present: ['acme'],
  propagation: ['acme'],
  answer: ['acme'],
  'clean-up': ['acme'],
  unclaim: ['acme'],
  finalize: ['acme'],
  download: ['acme'],
  sign: ['ca', 'selfSigned', 'acme'],
  secret: ['ca', 'selfSigned', 'acme'],
  status: ['ca', 'selfSigned', 'acme'],
  tidy: ['ca', 'selfSigned', 'acme'],
  'challenge-removed': ['acme'],
  /** The last step of an issuance: nobody has heard yet that it is over. */
  done: ['ca', 'selfSigned', 'acme'],
  /** The run of a renewal begins: the old one ends, and the new one carries on what it knew. */
  'continue-as-new': ['ca', 'selfSigned', 'acme'],
} as const satisfies Record<string, readonly Path[]>
export type FaultPoint = keyof typeof faultPoints

interface Operation {
  op: string
  path: string
  value?: unknown
}

/** The effect that a write to the API server is; undefined for one that no cell stops at. */
export function effectOf(method: string, path: string, body: unknown): FaultPoint | undefined {
  const kind = /\/namespaces\/[^/]+\/([a-z]+)/.exec(path)?.[1]
  const rule = rules.find(
    (one) => one.method === method && one.kind === kind && (one.fits?.(path, body) ?? true),
  )
  return rule?.point
}

interface Rule {
  point: FaultPoint
  method: string
  kind: string
  fits?: (path: string, body: unknown) => boolean
}

const rules: readonly Rule[] = [
  { point: 'key', method: 'create', kind: 'secrets', fits: (_path, body) => isNextKey(body) },
  { point: 'request', method: 'create', kind: 'certificaterequests' },
  {
    point: 'sign',
    method: 'patch',
    kind: 'certificaterequests',
    fits: (_path, body) => 'certificate' in written(body, '/status'),
  },
  {
    point: 'approve',
    method: 'patch',
    kind: 'certificaterequests',
    fits: (_path, body) => JSON.stringify(body).includes('"Approved"'),
  },
  {
    point: 'status',
    method: 'patch',
    kind: 'certificates',
    fits: (_path, body) => 'revision' in written(body, '/status') && !isIssuing(body),
  },
  { point: 'issuing', method: 'patch', kind: 'certificates', fits: (_path, body) => isIssuing(body) },
  { point: 'order-recorded', method: 'create', kind: 'orders' },
  { point: 'challenge', method: 'create', kind: 'challenges' },
  { point: 'claim', method: 'patch', kind: 'challenges', fits: (path, body) => claims(path, body) === true },
  {
    point: 'unclaim',
    method: 'patch',
    kind: 'challenges',
    fits: (path, body) => claims(path, body) === false,
  },
  { point: 'challenge-removed', method: 'delete', kind: 'challenges' },
  { point: 'challenge-removed', method: 'deleteCollection', kind: 'challenges' },
  { point: 'secret', method: 'apply', kind: 'secrets' },
  { point: 'tidy', method: 'delete', kind: 'secrets' },
]

/** What a JSON patch puts at a path. */
function written(body: unknown, path: string): Record<string, unknown> {
  const operations = Array.isArray(body) ? (body as Operation[]) : []
  return (operations.find((one) => one.op === 'add' && one.path === path)?.value ?? {}) as Record<
    string,
    unknown
  >
}

function isNextKey(body: unknown): boolean {
  const { labels } = (body as { metadata: { labels?: Record<string, string> } }).metadata
  return labels?.['cert-manager.io/next-private-key'] === 'true'
}

function isIssuing(body: unknown): boolean {
  const conditions = written(body, '/status')['conditions'] as { type: string; status: string }[] | undefined
  return (conditions ?? []).some(({ type, status }) => type === 'Issuing' && status === 'True')
}

/** Whether a write to a Challenge puts the claim of its record on it or takes it off; undefined where it is about its status. */
function claims(path: string, body: unknown): boolean | undefined {
  if (path.endsWith('/status')) return undefined
  return 'certloom.dev/record' in written(body, '/metadata/annotations')
}
