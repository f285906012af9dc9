import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { guardCases, guards, type GuardCase, type GuardName } from './guard-cases.ts'
import { runIntegration } from './integration.ts'
import { interruption } from './interruption.ts'
import { heading, say, table } from './print.ts'
import { projectRoot } from './root.ts'

const help = `Takes each guard against leaking secrets away, in a copy of the project, and checks that the scan for secrets then
fails in the place that the guard keeps clean. Takes about a quarter of an hour.

usage: npm run test:guards -- [options]

  --only GUARD    only what takes this guard away: ${Object.keys(guards).join(', ')}
  --help          show this text

examples:
  npm run test:guards
  npm run test:guards -- --only codec

Exit codes: 0 every guard is missed, 1 one is not, 2 wrong arguments.
`
/** Enough for every way in which a secret could leak; npm test issues 200. */
const ISSUANCES = '32'
const SCAN = 'test/integration/secrets/scan.test.ts'
const limitMs = 15 * 60_000

/** Undefined: the scan did not come to its end. */
type Hits = readonly string[] | undefined

process.exitCode = await main(process.argv.slice(2))

async function main(args: string[]): Promise<number> {
  let only: string | undefined
  try {
    const { values } = parseArgs({ args, options: { only: { type: 'string' }, help: { type: 'boolean' } } })
    if (values.help === true) {
      process.stdout.write(help)
      return 0
    }
    only = values.only
    if (only !== undefined && !(only in guards)) throw new Error(`--only: there is no guard '${only}'`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\nTry: npm run test:guards -- --help\n`)
    return 2
  }
  const wanted = guardCases.filter(({ take }) => only === undefined || take.includes(only as GuardName))
  const hits = new Map<string, Hits>()
  const signal = interruption()
  for (const one of withBefore(wanted)) {
    if (signal.aborted) return 130
    hits.set(nameOf(one.take), await scanWithout(one.take, signal))
  }
  const rows = wanted.map((one) => [nameOf(one.take), ...verdict(one, hits)])
  heading('Guards')
  say(table([['taken away', '', 'found'], ...rows]))
  return rows.every(([, sign]) => sign === '✓') ? 0 : 1
}

/** What a case adds is told from the hits of the case before it, which has to run too. */
function withBefore(wanted: readonly GuardCase[]): GuardCase[] {
  const names = new Set(wanted.flatMap(({ take }) => [nameOf(take), nameOf(take.slice(0, -1))]))
  return guardCases.filter(({ take }) => names.has(nameOf(take)))
}

function verdict({ take, finds }: GuardCase, hits: ReadonlyMap<string, Hits>): [sign: string, text: string] {
  const found = hits.get(nameOf(take))
  if (found === undefined) return ['✗', 'the scan did not come to its end']
  if (finds === undefined) return found.length === 0 ? ['✓', 'nothing'] : ['✗', found.join('; ')]
  const [first] = found.filter((hit) => finds.test(hit))
  if (first === undefined) return ['✗', `nothing like ${finds.source}`]
  const before = hits.get(nameOf(take.slice(0, -1)))?.find((hit) => finds.test(hit))
  return before === undefined ? ['✓', first] : ['✗', `${before}, also with ${take.at(-1)} in place`]
}

async function scanWithout(take: readonly GuardName[], signal: AbortSignal): Promise<Hits> {
  heading(`Scan without: ${nameOf(take)}`)
  // Below the project, so that its packages are found.
  const root = join(projectRoot, '.servers/guards')
  const folder = await mkdtemp(join(tmpdir(), 'certloom-guards-'))
  const results = join(folder, 'hits.json')
  try {
    await copyProject(root)
    for (const name of take) await takeAway(root, name)
    Object.assign(process.env, { CERTLOOM_SCAN_ISSUANCES: ISSUANCES, CERTLOOM_SCAN_RESULTS: results })
    await runIntegration({ root, files: [SCAN], fileLimitMs: limitMs, signal })
    const text = await readFile(results, 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as string[])
  } finally {
    await Promise.all([root, folder].map((path) => rm(path, { recursive: true, force: true })))
  }
}

async function copyProject(to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
  const { stdout } = await promisify(execFile)('git', args, { cwd: projectRoot, maxBuffer: 1 << 26 })
  for (const file of stdout.split('\0').filter((one) => one !== ''))
    await cp(join(projectRoot, file), join(to, file), { recursive: true })
}

async function takeAway(root: string, name: GuardName): Promise<void> {
  const { file, guard, without } = guards[name]
  const path = join(root, file)
  const parts = (await readFile(path, 'utf8')).split(guard)
  if (parts.length !== 2)
    throw new Error(`${file} does not hold "${guard}" exactly once: correct tools/check/guard-cases.ts`)
  await writeFile(path, parts.join(without))
}

function nameOf(take: readonly GuardName[]): string {
  return take.join(' + ') || 'none'
}
