/**
 * Keeps histories for the replay tests, below test/replay/histories/<release>:
 *
 *     node tools/node24.mjs test/replay/record.ts [--release 0.1.0] [--only NAME]
 *     node tools/node24.mjs test/replay/record.ts --from-server ADDRESS [--namespace NAMESPACE] [--release 0.1.0]
 *
 * The first plays the scenarios on servers of its own, the second takes every history of ours that a server knows.
 * Histories of a release that is out are never recorded again: they say what its workflows did.
 */
import { Client, Connection } from '@temporalio/client'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { openWorld } from '../workflows/support.ts'
import { keep, keepAll } from './export.ts'
import { scenarios } from './scenarios.ts'

const { values } = parseArgs({
  options: {
    release: { type: 'string' },
    only: { type: 'string' },
    'from-server': { type: 'string' },
    namespace: { type: 'string', default: 'certloom' },
  },
})
const release = values.release ?? (await versionOfPackage())
const address = values['from-server']
if (address === undefined) await playScenarios(release, values.only)
else await takeFrom(address, values.namespace, release)

async function playScenarios(release: string, only: string | undefined): Promise<void> {
  const played = scenarios.filter(({ name }) => only === undefined || name === only)
  if (played.length === 0)
    throw new Error(
      `--only: there is no scenario ${only}; take one of ${scenarios.map(({ name }) => name).join(', ')}`,
    )
  for (const scenario of played) {
    await using world = await openWorld(scenario.server)
    const histories = await scenario.run(world)
    for (const [name, runs] of Object.entries(histories)) report(await keep(release, name, runs))
  }
}

async function takeFrom(address: string, namespace: string, release: string): Promise<void> {
  const connection = await Connection.connect({ address })
  try {
    report(
      await keepAll(new Client({ connection, namespace }), release, (why) =>
        process.stderr.write(`${why}\n`),
      ),
    )
  } finally {
    await connection.close()
  }
}

function report(names: readonly string[]): void {
  for (const name of names) process.stdout.write(`${release}/${name}\n`)
}

async function versionOfPackage(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
