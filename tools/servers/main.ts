import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { errorText, ServersError } from './error.ts'
import { serverNames, type ServerName } from './facts.ts'
import { showProgress } from './progress.ts'
import { startServers } from './servers.ts'
import { describeServers } from './table.ts'

const help = `Starts the real servers that certloom needs, on loopback addresses, and keeps them until Ctrl-C.

usage: npm run servers -- [options]

  --data DIR    folder for data, certificates and logs (default: .servers/main in the project)
  --only LIST   the servers to start, separated by commas: ${serverNames.join(', ')}
                (default: all; what one of them needs is started too)
  --fresh       delete the folder's content first
  --audit       let the API server write an audit log
  --json        print the addresses as one line of JSON instead of a table
  --help        show this text

examples:
  npm run servers
  npm run servers -- --only temporal,pebble,dns
  npm run servers -- --fresh --data /var/tmp/certloom-servers
  npm run -s servers -- --json > addresses.json

Programs come from an environment variable (CERTLOOM_ETCD, CERTLOOM_KUBE_APISERVER, CERTLOOM_KUBE_CONTROLLER_MANAGER,
CERTLOOM_KUBECTL, CERTLOOM_PEBBLE, CERTLOOM_TEMPORAL), else a fitting version on PATH, else the cache
($CERTLOOM_CACHE or ~/.cache/certloom), else they are fetched (Python 3) or built (Go), about ten minutes the first time.
`

interface Arguments {
  readonly data: string
  readonly only: readonly ServerName[]
  readonly fresh: boolean
  readonly audit: boolean
  readonly json: boolean
}

process.exitCode = await main()

async function main(): Promise<number> {
  let args: Arguments | undefined
  try {
    args = readArguments()
  } catch (error) {
    process.stderr.write(`${errorText(error)}\nTry: npm run servers -- --help\n`)
    return 2
  }
  if (!args) {
    process.stdout.write(help)
    return 0
  }
  return serve(args)
}

async function serve(args: Arguments): Promise<number> {
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  const display = showProgress()
  try {
    const died = Promise.withResolvers<void>()
    const servers = await startServers({
      dataDir: args.data,
      parts: args.only,
      fresh: args.fresh,
      audit: args.audit,
      signal: end.signal,
      onProgress: display.onProgress,
      onDeath: () => died.resolve(),
    })
    display.close()
    process.stdout.write(
      args.json ? JSON.stringify(servers.facts) + '\n' : '\n' + describeServers(servers.facts),
    )
    if (!args.json) process.stdout.write('\nReady. Ctrl-C stops everything; the data stays.\n')
    await Promise.race([died.promise, aborted(end.signal)])
    if (!args.json) process.stderr.write('\nStopping the servers…\n')
    await servers.stop()
    return 0
  } catch (error) {
    display.close()
    if (end.signal.aborted) return 0
    process.stderr.write(
      `${error instanceof ServersError ? error.message : String((error as Error).stack)}\n`,
    )
    return 1
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((done) => signal.addEventListener('abort', () => done(), { once: true }))
}

/** @throws ServersError naming the argument; undefined when only help is wanted */
function readArguments(): Arguments | undefined {
  const root = process.env.CERTLOOM_ROOT ?? fileURLToPath(new URL('../..', import.meta.url))
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      only: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      audit: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const { fresh, audit, json } = values
  const only = values.only === undefined ? serverNames : readNames(values.only)
  return {
    data: values.data === undefined ? join(root, '.servers', 'main') : resolve(values.data),
    only,
    fresh,
    audit,
    json,
  }
}

function readNames(list: string): ServerName[] {
  const names = list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const unknown = names.find((name) => !(serverNames as readonly string[]).includes(name))
  if (unknown !== undefined || names.length === 0)
    throw new ServersError(
      `--only: there is no server '${unknown ?? ''}'; choose among ${serverNames.join(', ')}`,
    )
  return names as ServerName[]
}
