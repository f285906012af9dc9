import { mkdir, mkdtemp } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Servers } from '../../../tools/servers/handle.ts'
import { serversFileVariable, attachServers } from '../../../tools/servers/shared.ts'

/**
 * The servers that the test runner started for all integration tests.
 *
 * @throws Error if there is no runner: a missing server fails a test and never skips it
 */
export async function testServers(): Promise<Servers> {
  return attachServers(serversFile())
}

export interface TestFolders {
  readonly folder: string
  readonly logs: string
}

/**
 * Two fresh folders named after the test file: one beside the servers' data, one among the servers' logs. The runner
 * removes both with its own folder, or keeps the logs when a test failed.
 */
export async function testFolders(servers: Servers): Promise<TestFolders> {
  const name = basename(process.argv[1] ?? 'test').replace(/\.\w+\.ts$/, '')
  const folder = await mkdtemp(join(dirname(serversFile()), `${name}-`))
  const logs = join(dirname(servers.process('kube-apiserver').logPath), basename(folder))
  await mkdir(logs)
  return { folder, logs }
}

function serversFile(): string {
  const file = process.env[serversFileVariable]
  if (file === undefined)
    throw new Error(`${serversFileVariable} names no servers: run integration tests with "npm test"`)
  return file
}
