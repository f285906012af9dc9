/**
 * What signals carry. Every field is optional, because tctl and batch operations send none, and what is not
 * understood counts as absent: a doorbell says *look*, so a wrong message is no reason to fail.
 */
export interface Doorbell {
  /** metadata.uid of the object. */
  uid?: string
  /** metadata.generation of the object. */
  generation?: number
  /** Why it rings, in a few words. */
  cause?: string
}

export interface Renewal {
  /** In the words of whoever asked; empty where none were sent. */
  reason: string
}

const longestWords = 128

export function parseDoorbell(input: unknown): Doorbell {
  const uid = words(input, 'uid')
  const generation = fieldOf(input, 'generation')
  const cause = words(input, 'cause')
  return {
    ...(uid !== undefined && { uid }),
    ...(typeof generation === 'number' &&
      Number.isSafeInteger(generation) &&
      generation >= 0 && { generation }),
    ...(cause !== undefined && { cause }),
  }
}

/** A bare text is taken as the reason. */
export function parseRenew(input: unknown): Renewal {
  const reason = typeof input === 'string' ? cleanWords(input) : words(input, 'reason')
  return { reason: reason ?? '' }
}

/** Whether to pause: yes unless it clearly says otherwise, like {on: false}, false or "off". */
export function parsePause(input: unknown): boolean {
  return !isOff(isRecord(input) ? fieldOf(input, 'on') : input)
}

/** Which use of a lock is meant; undefined where the message names none. */
export function parseRequestId(input: unknown): string | undefined {
  const requestId = fieldOf(input, 'requestId')
  return typeof requestId === 'string' && requestId !== '' ? requestId : undefined
}

/** A text from outside fit to be shown: one line, no invisible characters, no PEM, at most 128 characters. */
function cleanWords(text: string): string | undefined {
  const line = text
    .slice(0, 10 * longestWords)
    .toWellFormed()
    .replace(/-----BEGIN[\s\S]*/, '')
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim()
  const cut = [...line].slice(0, longestWords).join('').trimEnd()
  return cut === '' ? undefined : cut
}

function words(input: unknown, field: string): string | undefined {
  const value = fieldOf(input, field)
  return typeof value === 'string' ? cleanWords(value) : undefined
}

function fieldOf(input: unknown, field: string): unknown {
  return isRecord(input) && Object.hasOwn(input, field) ? input[field] : undefined
}

function isRecord(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null && !Array.isArray(input)
}

function isOff(value: unknown): boolean {
  return (
    value === false ||
    value === 0 ||
    (typeof value === 'string' && ['false', 'off', 'no', '0'].includes(value.trim().toLowerCase()))
  )
}
