import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The parts of a V8 CPU profile that matter here. */
interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  /** Microseconds since the sample before. */
  readonly timeDeltas: readonly number[]
}

export interface ProfileSummary {
  /** Milliseconds in which anything ran. */
  readonly busyMs: number
  /** `module or file` → milliseconds of self time, most first. */
  readonly modules: readonly (readonly [name: string, ms: number])[]
  /** `function (file:line)` → milliseconds of self time, most first. */
  readonly functions: readonly (readonly [name: string, ms: number])[]
}

/** Where the time of all threads went whose profiles are in a folder. */
export async function summarize(folder: string): Promise<ProfileSummary> {
  const modules = new Map<string, number>()
  const functions = new Map<string, number>()
  let busyMs = 0
  for (const file of await readdir(folder)) {
    if (!file.endsWith('.cpuprofile')) continue
    const { nodes, samples, timeDeltas } = JSON.parse(
      await readFile(join(folder, file), 'utf8'),
    ) as CpuProfile
    const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
    for (const [index, sample] of samples.entries()) {
      const frame = frames.get(sample)
      const ms = Math.max(0, timeDeltas[index] ?? 0) / 1000
      if (frame === undefined || ['(idle)', '(program)', '(root)'].includes(frame.functionName)) continue
      busyMs += ms
      const module = moduleOf(frame.url, frame.functionName)
      const name = `${frame.functionName || '(anonymous)'}  ${module}:${frame.lineNumber + 1}`
      modules.set(module, (modules.get(module) ?? 0) + ms)
      functions.set(name, (functions.get(name) ?? 0) + ms)
    }
  }
  return { busyMs, modules: ranked(modules), functions: ranked(functions) }
}

/** An npm package, a built-in of Node, or a file of ours. */
function moduleOf(url: string, functionName: string): string {
  if (url === '') return functionName === '(garbage collector)' ? '(garbage collector)' : '(native)'
  if (url.startsWith('node:')) return url
  const inPackage = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1]
  return inPackage ?? /\/((?:workflows|activities|workers|k8s-bridge|cli)\/.*)$/.exec(url)?.[1] ?? url
}

function ranked(times: ReadonlyMap<string, number>): (readonly [string, number])[] {
  return [...times].sort(([, a], [, b]) => b - a)
}

export function profileLines({ busyMs, modules, functions }: ProfileSummary): string[] {
  const line = ([name, ms]: readonly [string, number]) =>
    `${((100 * ms) / busyMs).toFixed(1).padStart(5)} %  ${ms.toFixed(0).padStart(7)} ms  ${name}`
  return [
    `busy for ${busyMs.toFixed(0)} ms; self time by module:`,
    ...modules.slice(0, 15).map(line),
    'by function:',
    ...functions.slice(0, 15).map(line),
  ]
}
