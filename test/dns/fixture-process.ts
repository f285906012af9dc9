import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { dnsConfig, type DnsConfig } from '../../activities/dns/dns-config.ts'
import type { Logged } from '../../tools/dns-fixture/journal.ts'

const main = fileURLToPath(new URL('../../tools/dns-fixture/main.ts', import.meta.url))

export interface FixtureProcess {
  authoritative: [string, string]
  resolver: string
  control: string
  config: DnsConfig
  post(
    path: string,
    body: object,
    method?: string,
  ): Promise<{ status: number; body: Record<string, unknown> }>
  log(after?: number): Promise<Logged[]>
  stop(): Promise<number | null>
}

/** Starts the real program as a child process and waits for its line of readiness. */
export async function startDnsFixture(...args: string[]): Promise<FixtureProcess> {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(([code]) => Promise.reject(new Error(`dns-fixture ended with ${code} before it was ready`))),
  ])) as [string]
  const ready = JSON.parse(line) as Pick<FixtureProcess, 'authoritative' | 'resolver' | 'control'>
  return {
    ...ready,
    config: dnsConfig({
      recursiveNameservers: [ready.resolver],
      authoritativePort: Number(ready.authoritative[0].split(':')[1]),
      allowPrivateNameservers: true,
    }),
    async post(path, body, method = 'POST') {
      const response = await fetch(ready.control + path, { method, body: JSON.stringify(body) })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
    async log(after = 0) {
      return (await (await fetch(`${ready.control}/log?after=${after}`)).json()) as Logged[]
    },
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exited
      return code
    },
  }
}
