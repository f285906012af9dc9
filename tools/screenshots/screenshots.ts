import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { TEMPORAL_NAMESPACE } from '../demo/prepare.ts'
import { errorText, ServersError } from '../servers/error.ts'
import { showProgress } from '../servers/progress.ts'
import { findChromium, launchBrowser } from './browser.ts'
import { ScreenshotsError } from './error.ts'
import { pictures } from './album.ts'
import { take } from './pictures.ts'
import { playScenes } from './scenes.ts'
import { setStage } from './stage.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

const help = `Takes the pictures of docs/images anew: starts real servers, issues one certificate that goes well, one whose DNS provider
refuses and one that waits for a name server, and photographs Temporal's pages about them with headless Chromium.

usage: npm run screenshots -- [options]

  --out DIR    folder for the PNG files (default: docs/images)
  --data DIR   folder for data and logs of the servers (default: .servers/screenshots)
  --help       show this text

Chromium is found on the search path or by CERTLOOM_CHROMIUM. On Debian: sudo apt-get install -y chromium

examples:
  npm run screenshots
  CERTLOOM_CHROMIUM=/opt/chromium/chrome npm run screenshots -- --out /tmp/pictures
`

process.exitCode = await main()

async function main(): Promise<number> {
  let options
  try {
    options = parseArgs({
      options: { out: { type: 'string' }, data: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    }).values
  } catch (error) {
    process.stderr.write(`${errorText(error)}\nTry: npm run screenshots -- --help\n`)
    return 2
  }
  if (options.help) {
    process.stdout.write(help)
    return 0
  }
  const { out = join(root, 'docs', 'images'), data = join(root, '.servers', 'screenshots') } = options
  const end = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end.abort())
  try {
    await run(resolve(out), resolve(data), end.signal)
    return 0
  } catch (error) {
    if (end.signal.aborted) return 130
    const known = error instanceof ScreenshotsError || error instanceof ServersError
    process.stderr.write(`${known ? errorText(error) : String((error as Error).stack)}\n`)
    return 1
  }
}

async function run(out: string, dataDir: string, signal: AbortSignal): Promise<void> {
  // Before minutes are spent on servers.
  findChromium()
  await using stack = new AsyncDisposableStack()
  const progress = showProgress()
  stack.defer(() => progress.close())
  const stage = await setStage(stack, { dataDir, signal, onProgress: progress.onProgress })
  progress.close()
  tell('issuing three certificates')
  await playScenes(stage, signal)
  const browser = await launchBrowser()
  stack.defer(() => browser.close())
  for (const picture of await pictures(stage.temporal))
    tell(await take(browser, stage.servers.temporal.uiUrl, TEMPORAL_NAMESPACE, picture, out))
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
