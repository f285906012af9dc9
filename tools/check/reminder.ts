import type { TestEvent } from './test-event.ts'
import { duration, say } from './print.ts'

const quietMs = 30_000

/** Says what runs when a test file has told nothing for half a minute. */
export function startReminder(file: string): { heard(event: TestEvent): void; stop(): void } {
  const running = new Set<string>()
  const started = performance.now()
  const timer = setInterval(() => {
    const now = [...running].join(' › ') || 'no test'
    say(`  … ${file}: ${now} (${duration(performance.now() - started)})`)
  }, quietMs)
  return {
    heard(event) {
      timer.refresh()
      if (event.event === 'begin') running.add(event.name)
      else if (event.event !== 'about' && event.event !== 'end') running.delete(event.name)
    },
    stop: () => clearInterval(timer),
  }
}
