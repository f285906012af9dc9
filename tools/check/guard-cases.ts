interface Guard {
  readonly file: string
  /** The text that is the guard, exactly once in the file, and what stands there without it. */
  readonly guard: string
  readonly without: string
}

/** What keeps secrets out of places where they must not be; see docs/security.md. */
export const guards = {
  plugin: {
    file: 'activities/dns/exec/run-plugin.ts',
    guard: 'return cleanText(line, secrets)',
    without: 'return line.trim()',
  },
  environment: {
    file: 'activities/dns/exec/run-plugin.ts',
    guard: 'env: { APIVERSION',
    without: 'env: { ...(process.env as Record<string, string>), APIVERSION',
  },
  errors: {
    file: 'activities/clean-text.ts',
    guard: 'redactText(clean).replace',
    without: 'clean.replace',
  },
  codec: {
    file: 'workers/temporal/data-converter.ts',
    guard: 'payloadCodecs: [new GuardCodec({ mayRefuse, onSecret }), ...encryption]',
    without: 'payloadCodecs: encryption',
  },
  failures: {
    file: 'workers/temporal/failure-converter.ts',
    guard: '{ text: redactText, payload: redactedPayload }',
    without: '{ text: (text) => text, payload: (payload) => payload }',
  },
  log: {
    file: 'workers/log.ts',
    guard: 'streamWrite: (line) => redactJson(line)',
    without: 'streamWrite: (line) => line',
  },
  names: {
    file: 'activities/certificate/look.ts',
    guard: 'names.slice(0, MAX_NAMES).map(cutKeyMaterial)',
    without: 'names.slice(0, MAX_NAMES)',
  },
  attributes: {
    file: 'workflows/show-attributes.ts',
    guard: 'value: cut(pair.value)',
    without: 'value: pair.value',
  },
} as const satisfies Record<string, Guard>

export type GuardName = keyof typeof guards

export interface GuardCase {
  /** Guards stand behind each other: some are missed only where those before them are gone too. The last is the one meant. */
  readonly take: readonly GuardName[]
  /** A hit of the scan, as `place: part: secret (form)`, that the last guard alone prevents; absent: there is none. */
  readonly finds?: RegExp
}

export const guardCases: readonly GuardCase[] = [
  { take: [] },
  { take: ['plugin'], finds: /^objects and events: Certificate careless-/ },
  { take: ['environment'], finds: /^environment and command line of plugins: / },
  { take: ['errors'], finds: /^objects and events: ClusterIssuer tattles-/ },
  { take: ['codec'] },
  { take: ['codec', 'names'], finds: /^histories: certificate\/\S+\/pasted / },
  { take: ['codec', 'names', 'attributes'], finds: /^descriptions of workflows: certificate\/\S+\/pasted / },
  { take: ['errors', 'log'], finds: /^logs of controllers: / },
  { take: ['errors', 'codec'], finds: /^histories: cluster-issuer\/tattles-/ },
  { take: ['errors', 'codec', 'failures'], finds: /^histories: certificate\/\S+\/tattled/ },
]
