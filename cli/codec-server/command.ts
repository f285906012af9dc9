import { isIP } from 'node:net'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { EncryptionCodec } from '../../workers/temporal/encryption-codec.ts'
import { GuardCodec } from '../../workers/temporal/guard-codec.ts'
import { PayloadKeys } from '../../workers/temporal/payload-keys.ts'
import { serveCodec } from './serve.ts'

interface Flags {
  host: string
  port: number
  origin: string[]
  namespace: string
  keysFile?: string
}

/** Adds `certloom codec-server` to the program. */
export function registerCodecServer(program: Command): void {
  program
    .command('codec-server')
    .description(
      "decode encrypted payloads for Temporal's UI and CLI; whoever may ask it reads every history",
    )
    .addOption(
      new Option('--keys-file <file>', 'keys of the payload codec, as the workers have them').env(
        'CERTLOOM_PAYLOAD_KEYS_FILE',
      ),
    )
    .addOption(
      new Option('--namespace <name>', 'Temporal namespace that is served')
        .env('TEMPORAL_NAMESPACE')
        .default('certloom'),
    )
    .option('--host <address>', 'address to listen on; any but loopback needs a token', '127.0.0.1')
    .option('--port <number>', 'port to listen on', portNumber, 8234)
    .option('--origin <url...>', "origin of Temporal's UI, as browsers send it", [
      'http://127.0.0.1:8233',
      'http://localhost:8233',
    ])
    .addHelpText(
      'after',
      `
Examples:
  npm run certloom -- codec-server --keys-file /etc/certloom/payload-keys
  npm run certloom -- codec-server --origin https://temporal.example.com
  temporal workflow show -w certificate/default/web --namespace certloom --codec-endpoint http://127.0.0.1:8234
  temporal server start-dev --ui-codec-endpoint http://127.0.0.1:8234
  CERTLOOM_CODEC_SERVER_TOKEN=… npm run certloom -- codec-server --host 0.0.0.0
  temporal workflow show -w … --namespace certloom --codec-endpoint http://codec:8234 --codec-auth "Bearer …"

CERTLOOM_CODEC_SERVER_TOKEN is the shared token that callers must send; command lines are no place for it.
`,
    )
    .action((flags: Flags) => run(flags))
}

async function run(flags: Flags): Promise<void> {
  const log = (line: string) => void process.stderr.write(`certloom codec-server: ${line}\n`)
  try {
    const server = await start(flags, log)
    process.stdout.write(`codec server of the namespace ${flags.namespace} at ${server.url}\n`)
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    })
    await server.close()
  } catch (error) {
    log(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}

function start({ keysFile = '', ...flags }: Flags, log: (line: string) => void) {
  if (keysFile === '')
    throw new Error('no keys: set --keys-file or CERTLOOM_PAYLOAD_KEYS_FILE to the file that the workers use')
  // A token on a command line would be seen by every process of the machine.
  const token = process.env['CERTLOOM_CODEC_SERVER_TOKEN'] ?? ''
  if (token === '' && !isLoopback(flags.host)) {
    throw new Error(
      `--host ${flags.host} is not loopback: set CERTLOOM_CODEC_SERVER_TOKEN, or anybody could read the histories`,
    )
  }
  const guard = new GuardCodec({
    mayRefuse: () => true,
    onSecret: (found) => log(`refused to encode ${found}`),
  })
  const codecs = [guard, new EncryptionCodec(new PayloadKeys(keysFile, log))]
  return serveCodec({
    ...flags,
    token,
    origins: flags.origin.map((one) => one.replace(/\/$/, '')),
    codecs,
    log,
  })
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function portNumber(text: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('give a port, 0 to 65535')
  return port
}
