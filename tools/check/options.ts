import { parseArgs } from 'node:util'

export interface Options {
  readonly checks: boolean
  readonly unit: boolean
  readonly integration: boolean
  /** Parts of paths or globs; only test files that match one are run. */
  readonly only?: readonly string[]
  readonly verbose: boolean
  /** Time limit of one integration file, in milliseconds. */
  readonly fileLimitMs: number
}

const defaultLimitMinutes = 15

export const help = `Checks the project and runs its tests. The last line is "N passed, N failed, N skipped"; the exit code is 0 only when
something ran, nothing failed and nothing was skipped.

usage: npm test -- [options]

  --unit             only what needs no servers: the checks of "npm run lint" and the unit tests
  --integration      only the tests in test/integration, against real local servers that are started for them
  --only PATTERN     only test files whose path contains the text, or matches it as a glob; no checks; may be repeated
  --file-limit MIN   minutes after which an integration file is ended and counts as failed (default ${defaultLimitMinutes})
  --verbose          show every unit test, not only files and failures
  --help             show this text

examples:
  npm test
  npm run test:unit
  npm test -- --only test/domain
  npm test -- --only 'test/**/renewal-*.test.ts' --verbose
  npm test -- --integration --only acme --file-limit 5

Each check counts as one test. Integration tests find their servers in the file that CERTLOOM_TEST_SERVERS names; missing
programs are fetched or built first (about ten minutes, once) and kept in $CERTLOOM_CACHE or ~/.cache/certloom.
`

/** Undefined when help is wanted. @throws Error that names the argument */
export function readOptions(args: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      unit: { type: 'boolean', default: false },
      integration: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      'file-limit': { type: 'string', default: String(defaultLimitMinutes) },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { unit, integration, only, verbose } = values
  if (only?.includes('')) throw new Error('--only: name a part of a path or a glob')
  const minutes = Number(values['file-limit'])
  if (!(minutes > 0))
    throw new Error(`--file-limit: '${values['file-limit']}' is not a number of minutes above 0`)
  const both = unit === integration
  return {
    checks: only === undefined && (both || unit),
    unit: both || unit,
    integration: both || integration,
    only,
    verbose,
    fileLimitMs: minutes * 60_000,
  }
}
