import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { showProgress } from '../servers/progress.ts'
import type { BenchArguments, ScenarioName } from './arguments.ts'
import { describeMachine, machineFacts, idleShare } from './machine.ts'
import { profileLines, summarize } from './profile.ts'
import { Report } from './report.ts'
import { Results } from './results.ts'
import { openRig, type Rig } from './rig.ts'
import { bursts, measureBurst } from './scenarios/burst.ts'
import { fill } from './scenarios/fill.ts'
import { measureIdle, memoryOf } from './scenarios/idle.ts'
import { measureLatency } from './scenarios/latency.ts'
import { measureRestart } from './scenarios/restart.ts'
import { countWrites } from './scenarios/writes.ts'

/** Measures what is wanted and shows it. Everything that it started has ended when it returns. Returns the exit code. */
export async function runBench(args: BenchArguments, signal: AbortSignal): Promise<number> {
  const report = new Report()
  const results = new Results(
    (figure) => report.figure(figure),
    (title, lines) => report.list(title, lines),
  )
  const machine = { ...machineFacts(), idle: await idleShare() }
  report.print(describeMachine(machine))
  if (machine.load > 1) {
    results.warnings.push(
      `the machine was busy before the start (load ${machine.load.toFixed(2)}): only counts mean something`,
    )
    report.warn(results.warnings.at(-1) ?? '')
  }
  const display = showProgress()
  await using rig = await openRig({
    dataDir: args.data,
    profileDir: args.profile,
    signal,
    onProgress: display.onProgress,
  })
  display.close()
  await Promise.race([measure(rig, args, results), rig.died])
  if (args.profile !== undefined) {
    // A profile is written when its process ends.
    await rig.stop()
    for (const role of ['bridge', 'worker'])
      results.list(`CPU profile of the ${role}`, profileLines(await summarize(join(args.profile, role))))
  }
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
  const { quick } = args
  const wanted = (name: ScenarioName) => args.only.includes(name)
  const empty = await memoryOf(rig.certloom)
  if (wanted('writes')) {
    const [ca] = rig.ca
    if (ca === undefined) throw new Error('there is no CA issuer')
    const { site, arrivals, selfSigned, countedAcme, proxy } = rig
    await countWrites(
      { site, arrivals, selfSigned, ca, acme: countedAcme, proxy, samples: quick ? 1 : 3 },
      results,
    )
  }
  for (let round = 0; round < args.repeat; round++) {
    if (wanted('latency'))
      await measureLatency(rig, quick ? { oneStep: 3, acme: 2 } : { oneStep: 25, acme: 15 }, results)
    for (const burst of bursts(rig, quick))
      if (wanted(burst.acme ? 'burst-acme' : 'burst-ca')) await measureBurst(rig, burst, results)
  }
  if (!wanted('idle') && !wanted('restart')) return
  await fill(rig, args.certificates)
  if (wanted('restart')) await measureRestart(rig, args.certificates, results)
  else await rig.restart()
  if (wanted('idle'))
    await measureIdle(rig, empty, { certificates: args.certificates, seconds: args.idle }, results)
}
