import { SetupError } from '../../cli/setup/setup.ts'
import { errorText, ServersError } from '../servers/error.ts'
import { help, readArguments } from './arguments.ts'
import { Display } from './display.ts'
import { DemoError } from './error.ts'
import { runDemo } from './run.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  let args
  try {
    args = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${errorText(error)}\nTry: npm run demo -- --help\n`)
    return 2
  }
  if (args === undefined) {
    process.stdout.write(help)
    return 0
  }
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  // Whoever read our output is gone.
  process.stdout.on('error', () => end.abort())
  const display = new Display()
  try {
    return await runDemo(args, display, end.signal)
  } catch (error) {
    display.close()
    // Before the certificate was there, a Ctrl-C leaves the question of --once unanswered.
    if (end.signal.aborted) return args.once ? 130 : 0
    const known = [DemoError, ServersError, SetupError].some((kind) => error instanceof kind)
    display.print(`\n${display.style('red', known ? errorText(error) : String((error as Error).stack))}`)
    return 1
  }
}
