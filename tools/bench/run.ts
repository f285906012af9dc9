import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { apiPath } from '../../k8s-bridge/api/kinds.ts'
import { errorText } from '../servers/error.ts'
import { showProgress } from '../servers/progress.ts'
import type { BenchArguments, ScenarioName } from './arguments.ts'
import { describeMachine, machineFacts, idleShare } from './machine.ts'
import { profileLines, summarize } from './profile.ts'
import { Report } from './report.ts'
import { Results } from './results.ts'
import { openRig, type Rig } from './rig.ts'
import { bursts, measureBurst } from './scenarios/burst.ts'
import { fill } from './scenarios/fill.ts'
import { measureIdle, memoryOf, type Memories } from './scenarios/idle.ts'
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
  await Promise.race([measure(rig, args, results), rig.died, aborted(signal)])
  report.print(`\nload after it ${(loadavg()[0] ?? 0).toFixed(2)}`)
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
  return results.failures > 0 || (args.check && results.missed(true).length > 0) ? 1 : 0
}

/** Every scenario that is wanted; one that fails leaves a warning and does not keep the others from being measured. */
async function measure(rig: Rig, args: BenchArguments, results: Results): Promise<void> {
  const { quick } = args
  const wanted = (name: ScenarioName) => args.only.includes(name)
  const attempt = (what: string, work: () => Promise<void>) =>
    work().catch((error: unknown) => results.fail(`${what}: ${errorText(error)}`))
  const empty = await memoryOf(rig.certloom)
  if (wanted('writes')) {
    const { site, arrivals, selfSigned, countedAcme: acme, proxy } = rig
    const [ca = selfSigned] = rig.ca
    const setup = { site, arrivals, selfSigned, ca, acme, proxy, samples: quick ? 1 : 3 }
    await attempt('writes', () => countWrites(setup, results))
  }
  const sizes = quick ? { oneStep: 3, acme: 2 } : { oneStep: 25, acme: 15 }
  for (let round = 0; round < args.repeat; round++) {
    if (wanted('latency')) await attempt('latency', () => measureLatency(rig, sizes, results))
    for (const burst of bursts(rig, quick))
      if (wanted(burst.acme ? 'burst-acme' : 'burst-ca'))
        await attempt(`burst ${burst.id}`, () => measureBurst(rig, burst, results))
  }
  if (wanted('idle') || wanted('restart'))
    await attempt('idle and restart', () => measureAtRest(rig, empty, args, results))
}

async function measureAtRest(
  rig: Rig,
  empty: Memories,
  { only, certificates, idle }: BenchArguments,
  results: Results,
): Promise<void> {
  const there = (await rig.site.kubernetes.list(apiPath('Certificate'))).items.length
  await fill(rig, Math.max(0, certificates - there))
  const count = Math.max(certificates, there)
  if (only.includes('restart')) await measureRestart(rig, count, results)
  else await rig.restart()
  if (only.includes('idle')) await measureIdle(rig, empty, { certificates: count, seconds: idle }, results)
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true })
  })
}
