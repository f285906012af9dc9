import { defaultPayloadConverter } from '@temporalio/common'
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import type { temporal } from '@temporalio/proto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type History = temporal.api.history.v1.IHistory

export const folder = fileURLToPath(new URL('histories/', import.meta.url))

/** The most that a recorded history may weigh, in bytes: they are kept for every release. */
export const MAX_BYTES = 60 * 1024

export interface RecordedHistory {
  /** `<release>/<name>`. */
  readonly name: string
  readonly text: string
  readonly history: History
}

/** All recorded histories of all releases. */
export async function recordedHistories(): Promise<RecordedHistory[]> {
  const files = (await readdir(folder, { recursive: true })).filter((file) => file.endsWith('.json')).sort()
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8')
      return { name: file.replaceAll('\\', '/').replace(/\.json$/, ''), text, history: parseHistory(text) }
    }),
  )
}

export function parseHistory(text: string): History {
  return historyFromJSON(JSON.parse(text))
}

/** Writes a history without what belongs to the machine that made it. One event stands on one line. */
export async function writeHistory(release: string, name: string, history: History): Promise<void> {
  const { events } = JSON.parse(historyToJSON(history)) as { events: unknown[] }
  const text = `{"events":[\n${events.map((event) => JSON.stringify(anonymous(event))).join(',\n')}\n]}\n`
  const found = [...secretsIn(text), ...(text.length > MAX_BYTES ? [`${text.length} bytes`] : [])]
  if (found.length > 0) throw new Error(`${name} is not fit to be kept: ${found.join(', ')}`)
  await mkdir(join(folder, release), { recursive: true })
  await writeFile(join(folder, release, `${name}.json`), text)
}

const machine: Readonly<Record<string, string>> = { identity: 'certloom', stackTrace: '', binaryChecksum: '' }

function anonymous(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(anonymous)
  // Sticky queues are named after their process.
  if (typeof value === 'string') return value.replace(/\b\d+@[\w.-]+/g, 'certloom')
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value)
    .map(([name, field]) => [name, machine[name] ?? anonymous(field)] as const)
    // What is empty is the default of its field: a third of the text.
    .filter(([, field]) => field !== '' && !(Array.isArray(field) && field.length === 0))
  return Object.fromEntries(fields)
}

const forbidden: Readonly<Record<string, RegExp>> = {
  'key material': /PRIVATE KEY/,
  'a path of a machine': /(^|["\s(])\/(home|root|work|tmp|Users|var)\//,
  'a process of a machine': /\b\d+@[\w.-]+"/,
  'a stack trace': /\n\s+at .*[/:]\d+:\d+/,
}

/** What must not stand in a history that is kept, in the text itself or inside its payloads. */
export function secretsIn(text: string): string[] {
  const texts = [text, ...payloadTexts(JSON.parse(text))]
  return Object.entries(forbidden)
    .filter(([, pattern]) => texts.some((one) => pattern.test(one)))
    .map(([what]) => what)
}

function payloadTexts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(payloadTexts)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, field]) =>
    name === 'data' && typeof field === 'string'
      ? [Buffer.from(field, 'base64').toString('utf8')]
      : payloadTexts(field),
  )
}

/** What a workflow was started as, where its history says so. */
export function workflowTypeOf(history: History): string {
  return history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name ?? ''
}

export function inputOf(history: History): Record<string, unknown> {
  const [payload] = history.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? []
  return payload === undefined ? {} : defaultPayloadConverter.fromPayload(payload)
}
