import { serversFileVariable, attachServers } from '../../../tools/servers/shared.ts'

/**
 * The servers that the test runner started for all integration tests.
 *
 * @throws Error if there is no runner: a missing server fails a test and never skips it
 */
export async function testServers() {
  const file = process.env[serversFileVariable]
  if (file === undefined) {
    throw new Error(`${serversFileVariable} names no servers: run integration tests with "npm test"`)
  }
  return attachServers(file)
}
