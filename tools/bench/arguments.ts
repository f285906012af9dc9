import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

export const scenarioNames = ['writes', 'latency', 'burst-ca', 'burst-acme', 'idle', 'restart'] as const
export type ScenarioName = (typeof scenarioNames)[number]

export const help = `Starts real servers and certloom's processes, measures, and shows each figure beside its budget.

usage: npm run bench -- [options]

  --only LIST      scenarios, separated by commas: ${scenarioNames.join(', ')} (default: all)
  --quick          small counts, for a first look; the figures mean little
  --repeat N       how often each latency and burst is measured (default: 1)
  --certificates N how many certificates are there for idle and restart (default: 1000)
  --idle SEC       how long idling is watched, twice (default: 60)
  --profile DIR    let certloom's processes write CPU profiles there and show where their time goes (not with restart,
                   which kills them)
  --json FILE      write all figures, lists and facts about the machine there too
  --check          exit code 1 where a budget is missed that does not depend on the machine's speed
  --data DIR       folder for data, certificates and logs (default: .servers/bench in the project); emptied first
  --help           show this text

examples:
  npm run bench
  npm run bench -- --only writes --check
  npm run bench -- --only burst-ca --profile /tmp/profiles
  npm run bench -- --quick --json figures.json

Exit codes: 0 measured (missed budgets are shown), 1 failed or --check, 2 wrong arguments, 130 interrupted.
`

export interface BenchArguments {
  readonly only: readonly ScenarioName[]
  readonly quick: boolean
  readonly repeat: number
  readonly certificates: number
  /** Seconds. */
  readonly idle: number
  readonly profile: string | undefined
  readonly json: string | undefined
  readonly check: boolean
  readonly data: string
}

const root = process.env.CERTLOOM_ROOT ?? fileURLToPath(new URL('../..', import.meta.url))

/** Undefined where only help is wanted. @throws Error that names the argument */
export function readArguments(args: readonly string[]): BenchArguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      quick: { type: 'boolean', default: false },
      repeat: { type: 'string', default: '1' },
      certificates: { type: 'string' },
      idle: { type: 'string' },
      profile: { type: 'string' },
      json: { type: 'string' },
      check: { type: 'boolean', default: false },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { quick, check } = values
  const only = values.only === undefined ? scenarioNames : readNames(values.only)
  if (values.profile !== undefined && only.includes('restart'))
    throw new Error('--profile: a process that is killed writes no profile; leave restart out with --only')
  return {
    quick,
    check,
    only,
    repeat: wholeNumber('repeat', values.repeat, 1, 100),
    certificates: wholeNumber('certificates', values.certificates ?? (quick ? '20' : '1000'), 1, 100_000),
    idle: wholeNumber('idle', values.idle ?? (quick ? '5' : '60'), 1, 86_400),
    profile: values.profile === undefined ? undefined : resolve(values.profile),
    json: values.json === undefined ? undefined : resolve(values.json),
    data: values.data === undefined ? join(root, '.servers', 'bench') : resolve(values.data),
  }
}

function readNames(list: string): ScenarioName[] {
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !(scenarioNames as readonly string[]).includes(name))
  if (unknown !== undefined)
    throw new Error(`--only: there is no scenario '${unknown}'; choose among ${scenarioNames.join(', ')}`)
  return names as ScenarioName[]
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < least || number > most)
    throw new Error(`--${name} ${text}: write a whole number, ${least} to ${most}`)
  return number
}
