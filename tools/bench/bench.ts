import { SetupError } from '../../cli/setup/setup.ts'
import { errorText, ServersError } from '../servers/error.ts'
import { help, readArguments, type BenchArguments } from './arguments.ts'
import { runBench } from './run.ts'

process.exitCode = await main()

async function main(): Promise<number> {
  let args: BenchArguments | undefined
  try {
    args = readArguments(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${errorText(error)}\nTry: npm run bench -- --help\n`)
    return 2
  }
  if (args === undefined) {
    process.stdout.write(help)
    return 0
  }
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  try {
    return await runBench(args, end.signal)
  } catch (error) {
    if (end.signal.aborted) return 130
    const known = error instanceof ServersError || error instanceof SetupError
    process.stderr.write(`\n${known ? errorText(error) : String((error as Error).stack)}\n`)
    return 1
  }
}
