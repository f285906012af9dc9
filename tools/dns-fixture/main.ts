import { isIP } from 'node:net'
import { Command, InvalidArgumentError, Option } from 'commander'
import { serveControl } from './control.ts'
import { parseDefaultA, startFixture } from './fixture.ts'

interface Endpoint {
  address: string
  port: number
}

function endpoint(text: string): Endpoint {
  const match = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text)
  const address = match?.[1] ?? ''
  const port = Number(match?.[2])
  if (isIP(address) === 0 || !(port <= 65535)) {
    throw new InvalidArgumentError(
      'write an IP address and a port, as in 127.0.0.1:0 (0 chooses a free port)',
    )
  }
  return { address, port }
}

function defaultA(text: string): string | null {
  try {
    return parseDefaultA(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

const collect =
  <T>(read: (text: string) => T) =>
  (text: string, all: T[] = []) => [...all, read(text)]

const local = (flags: string, description: string) =>
  new Option(flags, description).argParser(endpoint).default(endpoint('127.0.0.1:0'), '127.0.0.1:0')

const program = new Command('dns-fixture')
  .description(
    'Two authoritative DNS servers, which can lag, refuse or fail on command, and a resolver in front of them.\n' +
      'Prints one line of JSON when ready; runs until SIGTERM. Servers on 127.0.0.2 and .3 need Linux, or aliases of lo0.',
  )
  .option(
    '--authoritative <ip:port>',
    'address of an authoritative server, twice; both use one port',
    collect(endpoint),
  )
  .addOption(local('--resolver <ip:port>', 'address of the resolver'))
  .addOption(local('--control <ip:port>', 'address of the HTTP control API'))
  .option('--zone <name>', 'a zone to serve; may be repeated', collect(String))
  .option('--default-a <ip>', 'A record of names that have none, or "none"', defaultA, '127.0.0.1')
  .option('--log <file>', 'append every query and every change to this file, one JSON object a line')
  .addHelpText(
    'after',
    `
Control API (JSON; times are RFC 3339 with milliseconds):
  POST /set-txt     {host, value}              add a TXT value
  POST /delete-txt  {host, value}              remove one TXT value
  POST /clear-txt   {host}                     remove all TXT values of the name
  POST /records     {zone?, name, type, data, ttl?}   add A, AAAA, CNAME, NS or CAA {flags?, tag, value}
  DELETE /records   {zone?, name, type, data?}
  POST /zones       {name}
  POST /servers/1   {lagMs?, mode?}            also /servers/2; mode answer, refuse, servfail, drop or hold
  POST /default-a   {address}                  null for none
  GET  /servers, /zone/<name>, /log?after=<seq>, /healthz`,
  )
  .parse()

interface Options {
  authoritative?: Endpoint[]
  resolver: Endpoint
  control: Endpoint
  zone?: string[]
  defaultA: string | null
  log?: string
}

const options = program.opts<Options>()
const [first, second, ...more] = options.authoritative ?? [endpoint('127.0.0.2:0'), endpoint('127.0.0.3:0')]
if (first === undefined || second === undefined || more.length > 0 || first.port !== second.port) {
  console.error('error: --authoritative is given twice, with one port number for both')
  process.exit(1)
}

const { fixture, control } = await start(first, second).catch((error: Error) => {
  console.error(`error: cannot start: ${error.message}`)
  process.exit(1)
})
const { authoritative, resolver } = fixture
process.stdout.write(JSON.stringify({ ready: true, authoritative, resolver, control: control.url }) + '\n')

const stop = () => {
  control.server.closeAllConnections()
  control.server.close()
  void fixture.close().then(() => process.exit(0))
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)

async function start(one: Endpoint, two: Endpoint) {
  const fixture = await startFixture({
    authoritative: { addresses: [one.address, two.address], port: one.port },
    resolver: options.resolver,
    zones: options.zone ?? [],
    defaultA: options.defaultA,
    log: options.log,
  })
  return { fixture, control: await serveControl(fixture, options.control.address, options.control.port) }
}
