import { fileURLToPath } from 'node:url'
import type { DnsFacts } from '../facts.ts'
import { readFrom } from '../log-tail.ts'
import type { ProcessDefinition } from '../managed-process.ts'
import type { PartContext } from './context.ts'

export const authoritativeHosts = ['127.0.0.2', '127.0.0.3']
export const defaultZones = ['example.com', 'example.org', 'certloom.test']

export interface DnsPorts {
  readonly authoritative: number
  readonly resolver: number
  readonly control: number
}

export function dnsFacts(ports: DnsPorts, zones: readonly string[]): DnsFacts {
  return {
    resolver: `127.0.0.1:${ports.resolver}`,
    authoritative: authoritativeHosts.map((host) => `${host}:${ports.authoritative}`),
    controlUrl: `http://127.0.0.1:${ports.control}`,
    zones,
  }
}

export function dns(context: PartContext, facts: DnsFacts, ports: DnsPorts): ProcessDefinition {
  const log = context.logPath('dns')
  return {
    name: 'dns',
    data: [],
    graceMs: 1_000,
    line: {
      command: process.execPath,
      args: [
        fileURLToPath(new URL('../../dns-fixture/main.ts', import.meta.url)),
        ...facts.authoritative.flatMap((address) => ['--authoritative', address]),
        ...['--resolver', facts.resolver, '--control', `127.0.0.1:${ports.control}`],
        ...facts.zones.flatMap((zone) => ['--zone', zone]),
        ...['--log', context.logPath('dns-queries')],
      ],
      env: context.env,
      cwd: context.dataDir,
      log,
    },
    async ready(logOffset) {
      // It says so itself, in one line of JSON, when all of its sockets are open.
      return (await readFrom(log, logOffset)).split('\n').some(saysReady)
    },
  }
}

function saysReady(line: string): boolean {
  try {
    return (JSON.parse(line) as { ready?: boolean }).ready === true
  } catch {
    return false
  }
}
