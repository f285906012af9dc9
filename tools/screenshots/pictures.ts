import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Browser, Page, ScreenshotClip } from 'puppeteer-core'
import { ScreenshotsError } from './error.ts'

export interface Picture {
  /** Name of the file, without `.png`. */
  readonly name: string
  /** Path below the UI's address. */
  readonly path: string
  /** Texts that stand on the page once everything is drawn. */
  readonly shows: readonly string[]
  /** Height in CSS pixels. */
  readonly height: number
  /** Width in CSS pixels, with the navigation at the left; default 1440. */
  readonly width?: number
  /** Columns of the list of workflows. */
  readonly columns?: readonly string[]
}

/** What a page of the repository may weigh, in bytes. */
const MOST_BYTES = 400_000
const DRAWN_MS = 60_000
/** Bars and lists move into their place. */
const SETTLED_MS = 1_500
const WIDTH = 1440

/** Opens a page of Temporal's UI, waits until it shows what it should, and writes it down. Returns the file. */
export async function take(
  browser: Browser,
  uiUrl: string,
  namespace: string,
  picture: Picture,
  folder: string,
): Promise<string> {
  const page = await browser.newPage()
  try {
    await page.setViewport({ width: picture.width ?? WIDTH, height: picture.height })
    if (picture.columns !== undefined) await presetColumns(page, namespace, picture.columns)
    await page.goto(`${uiUrl}/namespaces/${namespace}/${picture.path}`, { waitUntil: 'domcontentloaded' })
    await untilShown(page, picture)
    const clip = await composed(page, picture)
    await mkdir(folder, { recursive: true })
    const file = join(folder, `${picture.name}.png`)
    await page.screenshot({ path: file, clip })
    const { size } = await stat(file)
    if (size > MOST_BYTES) throw new ScreenshotsError(`${file} has ${size} bytes; ${MOST_BYTES} are allowed`)
    return file
  } finally {
    await page.close()
  }
}

async function untilShown(page: Page, { name, shows }: Picture): Promise<void> {
  await page.waitForSelector('main', { timeout: DRAWN_MS })
  await delay(SETTLED_MS)
  for (const text of shows) {
    const end = Date.now() + DRAWN_MS
    // Text, because it runs in the browser: our types know no document.
    while (!(await page.evaluate(`document.body.innerText.includes(${JSON.stringify(text)})`))) {
      await delay(SETTLED_MS)
      if (Date.now() < end) continue
      const shown = String(await page.evaluate('document.body.innerText')).slice(0, 3_000)
      throw new ScreenshotsError(`${name}: the page does not show “${text}”, but:\n${shown}`)
    }
  }
  await delay(SETTLED_MS)
}

/** Without the navigation at the left, which tells nothing about certificates. */
async function composed(page: Page, { height, width = WIDTH }: Picture): Promise<ScreenshotClip> {
  const left = Number(
    await page.evaluate("document.querySelector('main')?.getBoundingClientRect().left ?? 0"),
  )
  return { x: left, y: 0, width: width - left, height }
}

/** The UI keeps the columns that somebody chose in the browser. */
async function presetColumns(page: Page, namespace: string, columns: readonly string[]): Promise<void> {
  const chosen = JSON.stringify({ [namespace]: columns.map((label) => ({ label })) })
  await page.evaluateOnNewDocument(
    `localStorage.setItem('namespace-workflow-table-columns', ${JSON.stringify(chosen)})`,
  )
}
