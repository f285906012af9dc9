import { runChild, type ChildResult } from './child.ts'
import { inPool } from './pool.ts'
import { duration, heading, indent, say, table } from './print.ts'
import type { Counts } from './tally.ts'

interface Check {
  readonly name: string
  readonly args: readonly string[]
  /** What to do when it fails. */
  readonly remedy: string
}

interface CheckResult extends Check, ChildResult {
  readonly passed: boolean
}

const cache = 'node_modules/.cache/certloom'
const limitMs = 10 * 60_000

// The longest first: so both cores are busy to the end.
const checks: readonly Check[] = [
  {
    name: 'lint',
    args: [
      'node_modules/eslint/bin/eslint.js',
      ...['--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/eslint`],
      ...['--max-warnings', '0', '.'],
    ],
    remedy: 'change the lines above; some by "npm run lint -- --fix"',
  },
  {
    name: 'types',
    args: [
      'node_modules/typescript/bin/tsc',
      ...['--noEmit', '--incremental', '--tsBuildInfoFile', `${cache}/tsc.tsbuildinfo`],
    ],
    remedy: 'change the lines above',
  },
  {
    name: 'format',
    args: [
      'node_modules/prettier/bin/prettier.cjs',
      ...['--check', '--cache', '--cache-strategy', 'content', '--cache-location', `${cache}/prettier`, '.'],
    ],
    remedy: 'npm run format',
  },
  {
    name: 'generated CRDs',
    args: ['k8s-bridge/api/generate.ts', '--check'],
    remedy: 'npm run generate',
  },
  {
    name: 'generated docs',
    args: ['tools/docs/errors.ts', '--check'],
    remedy: 'node tools/node24.mjs tools/docs/errors.ts',
  },
]

/** Runs all checks side by side and prints what is wrong and a table; each counts as one test. */
export async function runChecks(
  root: string,
  signal: AbortSignal,
): Promise<{ counts: Counts; failed: string[] }> {
  heading('Checks')
  const results = await inPool(checks, navigator.hardwareConcurrency, async (check): Promise<CheckResult> => {
    const child = await runChild({ args: check.args, cwd: root, limitMs, signal })
    return { ...check, ...child, passed: child.code === 0 }
  })
  for (const { name, passed, timedOut, output } of results) {
    if (passed) continue
    say(`\n${name}${timedOut ? ` was ended after ${duration(limitMs)}` : ''}:`)
    say(indent(output, 2))
  }
  const rows = results.map(({ name, passed, ms, remedy }) => [
    passed ? '✓' : '✗',
    name,
    duration(ms),
    passed ? '' : remedy,
  ])
  say(table([['', 'check', 'time', 'what to do'], ...rows]))
  const failed = results.filter(({ passed }) => !passed).map(({ name, remedy }) => `${name}: ${remedy}`)
  return { counts: { passed: results.length - failed.length, failed: failed.length, skipped: 0 }, failed }
}

/** Lets the linter and the formatter change what they can. */
export async function fix(root: string, signal: AbortSignal): Promise<void> {
  const tools = [
    ['node_modules/eslint/bin/eslint.js', '--fix', '.'],
    ['node_modules/prettier/bin/prettier.cjs', '--write', '--log-level', 'warn', '.'],
  ]
  for (const args of tools) await runChild({ args, cwd: root, limitMs, signal })
}
