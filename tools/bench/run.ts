import { writeFile } from 'node:fs/promises'
import { showProgress } from '../servers/progress.ts'
import type { BenchArguments } from './arguments.ts'
import { describeMachine, machineFacts, measureIdle } from './machine.ts'
import { Report } from './report.ts'
import { Results } from './results.ts'
import { openRig, type Rig } from './rig.ts'
import { countWrites } from './scenarios/writes.ts'

/** Measures what is wanted and shows it. Everything that it started has ended when it returns. Returns the exit code. */
export async function runBench(args: BenchArguments, signal: AbortSignal): Promise<number> {
  const report = new Report()
  const results = new Results(
    (figure) => report.figure(figure),
    (title, lines) => report.list(title, lines),
  )
  const machine = { ...machineFacts(), ...(await measureIdle()) }
  report.print(describeMachine(machine))
  if (machine.load > 1) {
    results.warnings.push(
      `the machine was busy before the start (load ${machine.load.toFixed(2)}): only counts mean something`,
    )
    report.warn(results.warnings.at(-1) ?? '')
  }
  const display = showProgress()
  await using rig = await openRig({ dataDir: args.data, signal, onProgress: display.onProgress })
  display.close()
  await Promise.race([measure(rig, args, results), rig.died])
  report.summary(results)
  if (args.json !== undefined) {
    const { figures, lists, warnings } = results
    await writeFile(
      args.json,
      `${JSON.stringify({ machine, arguments: args, warnings, figures, lists }, null, 2)}\n`,
    )
  }
  return args.check && results.missed(true).length > 0 ? 1 : 0
}

async function measure(rig: Rig, args: BenchArguments, results: Results): Promise<void> {
  const wanted = (name: BenchArguments['only'][number]) => args.only.includes(name)
  if (wanted('writes')) {
    const [ca] = rig.ca
    if (ca === undefined) throw new Error('there is no CA issuer')
    const { site, arrivals, selfSigned, countedAcme, proxy } = rig
    const samples = args.quick ? 1 : 3
    await countWrites({ site, arrivals, selfSigned, ca, acme: countedAcme, proxy, samples }, results)
  }
}
