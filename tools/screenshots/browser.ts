import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { launch, type Browser } from 'puppeteer-core'
import { ScreenshotsError } from './error.ts'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']
/** Wide enough for the UI's timeline with its summaries; what is in the README is half of it. */
const VIEWPORT = { width: 1440, height: 900 }

/** Headless Chromium, from CERTLOOM_CHROMIUM or the search path. @throws ScreenshotsError where there is none */
export function launchBrowser(): Promise<Browser> {
  return launch({
    executablePath: findChromium(),
    defaultViewport: VIEWPORT,
    // Containers run it as root, where its sandbox does not work; it opens nothing but the local UI.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--lang=en-US', '--font-render-hinting=none'],
    env: { ...process.env, TZ: 'UTC' },
    timeout: 120_000,
    protocolTimeout: 120_000,
  })
}

export function findChromium(environment: NodeJS.ProcessEnv = process.env): string {
  const { CERTLOOM_CHROMIUM: named, PATH = '' } = environment
  if (named !== undefined && named !== '') {
    if (!isExecutable(named))
      throw new ScreenshotsError(`CERTLOOM_CHROMIUM=${named}: there is no such program; name a Chromium`)
    return named
  }
  const found = PATH.split(delimiter)
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find(isExecutable)
  if (found !== undefined) return found
  throw new ScreenshotsError(
    'Chromium is not installed. On Debian: sudo apt-get update && sudo apt-get install -y chromium. ' +
      'Or set CERTLOOM_CHROMIUM to the path of one.',
  )
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
