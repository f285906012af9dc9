import { statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DemoError } from './error.ts'

export const help = `Starts real servers (Kubernetes API, Temporal, an ACME CA, DNS), runs certloom against them and issues a certificate for
example.com and *.example.com before your eyes. Everything stays up until Ctrl-C.

usage: npm run demo -- [options]

  --once           end after the certificate: exit code 0 if its chain, key and names are right, 1 if not
  --keep           go on with the objects and histories of the last demo and renew its certificate
  --plugin FILE    use this exec plugin instead of examples/plugins/fixture-dns.mjs; it gets the same configuration,
                   {"url": …}, on its standard input
  --timeout SEC    how long the issuer, and then the certificate, may take (default: 60)
  --data DIR       folder for data, certificates and logs (default: .servers/demo in the project)
  --verbose        show signals, timers and Kubernetes events too; let the controller log at level debug
  --help           show this text

examples:
  npm run demo
  npm run demo -- --once
  npm run demo -- --keep
  npm run demo -- --verbose --plugin ./my-plugin.sh --timeout 120

The first start installs, fetches and builds what is missing: about ten minutes. Later ones take seconds.
`

export interface DemoArguments {
  readonly data: string
  readonly once: boolean
  readonly keep: boolean
  readonly verbose: boolean
  /** Path of an exec plugin. */
  readonly plugin: string
  /** How long issuer and certificate may take, each, in milliseconds. */
  readonly timeoutMs: number
}

/** The project's folder. */
export const root = process.env.CERTLOOM_ROOT ?? fileURLToPath(new URL('../..', import.meta.url))

/** Undefined where only help is wanted. @throws Error that names the argument */
export function readArguments(args: string[]): DemoArguments | undefined {
  const { values } = parseArgs({
    args,
    options: {
      once: { type: 'boolean', default: false },
      keep: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      plugin: { type: 'string' },
      timeout: { type: 'string', default: '60' },
      data: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  const seconds = Number(values.timeout)
  if (!Number.isFinite(seconds) || seconds < 1 || seconds > 86_400)
    throw new DemoError(`--timeout ${values.timeout}: write a number of seconds, 1 to 86400`)
  const { once, keep, verbose } = values
  if (values.plugin !== undefined && !statSync(values.plugin, { throwIfNoEntry: false })?.isFile())
    throw new DemoError(`--plugin ${values.plugin}: there is no such file`)
  return {
    once,
    keep,
    verbose,
    data: values.data === undefined ? join(root, '.servers', 'demo') : resolve(values.data),
    plugin:
      values.plugin === undefined
        ? join(root, 'examples', 'plugins', 'fixture-dns.mjs')
        : resolve(values.plugin),
    timeoutMs: seconds * 1000,
  }
}
