import { parseArgs } from 'node:util'
import { faultPoints } from '../../test/integration/crash/support/fault-points.ts'
import { killers, type KillerName } from '../../test/integration/crash/support/killers.ts'

export interface CrashOptions {
  readonly killer?: KillerName
  readonly point?: string
  readonly siege: boolean
}

const killerNames = Object.keys(killers) as KillerName[]
const points = Object.keys(faultPoints)

export const help = `Kills at every point of an issuance and checks what is left: rows are points, columns are killers.

usage: npm run test:crash -- [options]

  --only KILLER   one killer:
${killerNames.map((name) => `                    ${name.padEnd(14)} ${killers[name].does}`).join('\n')}
  --point NAME    one point:
${inLines(points, 100)
  .map((line) => `                    ${line}`)
  .join('\n')}
  --siege         instead: kills the worker every 10 s for 5 min while 200 certificates issue
  --help          show this text

examples:
  npm run test:crash
  npm run test:crash -- --only zombie
  npm run test:crash -- --only worker-kill --point new-order
  npm run test:crash -- --siege

Exit codes: 0 every cell is good, 1 one is not, 2 wrong arguments.
`

/** Undefined when help is wanted. @throws Error that names the argument */
export function readCrashOptions(args: readonly string[]): CrashOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      point: { type: 'string' },
      siege: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  const { only, point, siege } = values
  if (siege && (only ?? point) !== undefined)
    throw new Error('--siege: it has one killer and no point; leave --only and --point out')
  if (only !== undefined && !isKiller(only))
    throw new Error(`--only: there is no killer '${only}', only ${killerNames.join(', ')}`)
  if (point !== undefined && !points.includes(point))
    throw new Error(`--point: there is no point '${point}', only ${points.join(', ')}`)
  return { killer: only, point, siege }
}

function isKiller(name: string): name is KillerName {
  return name in killers
}

function inLines(words: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last === undefined || last.length + word.length + 2 > width) lines.push(word)
    else lines[lines.length - 1] = `${last}, ${word}`
  }
  return lines
}
