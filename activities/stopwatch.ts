import type { StepTime } from '../workflows/activities.ts'

/** How long the parts of a step took, in whole milliseconds, for the details of the run. */
export class Stopwatch {
  readonly steps: StepTime[] = []

  async time<T>(name: string, run: () => Promise<T>): Promise<T> {
    const start = performance.now()
    try {
      return await run()
    } finally {
      this.steps.push({ name, ms: Math.round(performance.now() - start) })
    }
  }
}
