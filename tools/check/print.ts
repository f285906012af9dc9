import { styleText } from 'node:util'
import type { FileResult } from './run-file.ts'
import type { TestEvent, TestResult } from './test-event.ts'

const marks = {
  pass: styleText('green', '✓', { stream: process.stdout }),
  fail: styleText('red', '✗', { stream: process.stdout }),
  skip: styleText('yellow', '-', { stream: process.stdout }),
} as const

export function say(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function heading(text: string): void {
  say(`\n${styleText('bold', text, { stream: process.stdout })}`)
}

/** A duration for people: 12 ms, 3.4 s, 2 min 5 s. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
}

/** Lines of columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, cell.length)))
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function indent(text: string, width: number): string {
  return text.trimEnd().replaceAll(/^(?=.)/gm, ' '.repeat(width))
}

/** The line of one test, with its error below. */
export function resultLine({ event, name, nesting, ms, text, own }: TestResult): string {
  const line = `${'  '.repeat(nesting + 1)}${marks[event]} ${name}`
  if (event === 'skip') return `${line}  (${text})`
  const timed = ms >= 1 ? `${line}  ${duration(ms)}` : line
  return event === 'fail' && own && text ? `${timed}\n${indent(text, 2 * nesting + 6)}` : timed
}

/** Prints results as they come, each suite or parent above what is within it. */
export function resultPrinter(): (event: TestEvent) => void {
  const path: string[] = []
  let printed = 0
  return (event) => {
    if (event.event === 'begin' || event.event === 'end') return
    const { nesting } = event
    if (event.event === 'about') {
      path.length = nesting
      path[nesting] = event.name
      printed = Math.min(printed, nesting)
      return
    }
    const hadHeading = printed > nesting
    for (; printed < nesting; printed++) say(`${'  '.repeat(printed + 1)}${path[printed]}`)
    if (!hadHeading || (event.event === 'fail' && event.own)) say(resultLine(event))
  }
}

export function fileLine({ file, counts, trouble, ms }: FileResult): string {
  const { passed, failed, skipped } = counts
  const mark = failed > 0 ? marks.fail : skipped > 0 ? marks.skip : marks.pass
  const parts = [`${passed} passed`]
  if (failed > 0) parts.push(`${failed} failed`)
  if (skipped > 0) parts.push(`${skipped} skipped`)
  const line = `${mark} ${file}  ${parts.join(', ')}  ${duration(ms)}`
  return trouble === undefined ? line : `${line}\n    ${file} ${trouble}`
}

/** Lines of an error at the end of a run: enough to know what was wrong where only the end was kept. */
const errorLinesShown = 8

/** What the last failed tests were, for the end of a long run. */
export function failureList(files: readonly FileResult[]): string[] {
  return files.flatMap(({ file, results, trouble }) => [
    ...results
      .filter(({ event, own }) => event === 'fail' && own)
      .map(({ name, text }) => `${file}: ${name}\n${indent(head(text ?? ''), 4)}`.trimEnd()),
    ...results.filter(({ event }) => event === 'skip').map(({ name }) => `${file}: ${name} (skipped)`),
    ...(trouble === undefined ? [] : [`${file} ${head(trouble)}`]),
  ])
}

function head(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.slice(0, errorLinesShown).join('\n')
}
