import type { TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { connectKubernetes, type Kubernetes } from '../../../activities/clients/kubernetes.ts'
import type { Logger } from '../../../k8s-bridge/logger.ts'
import { ApiStub } from './api-stub.ts'

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  facts: object
  message: string
}

/** A logger that keeps its lines. */
export function recordingLogger(): Logger & { lines: LogLine[]; text: () => string } {
  const lines: LogLine[] = []
  const at = (level: LogLine['level']) => (facts: object, message: string) =>
    void lines.push({ level, facts, message })
  const text = () =>
    lines.map((line) => `${line.level} ${line.message} ${JSON.stringify(line.facts)}`).join('\n')
  return { lines, text, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Waits until `fact` holds, looking every few milliseconds; fails with what was waited for. */
export async function until(what: string, fact: () => boolean, limit = 5000): Promise<void> {
  const end = performance.now() + limit
  while (!fact()) {
    if (performance.now() > end) throw new Error(`did not happen within ${limit} ms: ${what}`)
    await wait(2)
  }
}

/** A stub that runs and a client that speaks to it; both end with the test. */
export async function stubAndClient(t: TestContext): Promise<{ stub: ApiStub; kubernetes: Kubernetes }> {
  const stub = new ApiStub()
  await stub.start()
  const kubernetes = await connectKubernetes({ endpoint: stub.url })
  t.after(async () => {
    await kubernetes.close()
    await stub.kill()
  })
  return { stub, kubernetes }
}
