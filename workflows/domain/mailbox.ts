import { parseDoorbell, parsePause, parseRenew, type Renewal } from './doorbell-messages.ts'

export { parseDoorbell, parsePause, parseRenew, type Doorbell, type Renewal } from './doorbell-messages.ts'

/** What rang since the workflow looked last. Handlers only post; the loop takes. */
export interface Mailbox {
  /** Something asked for a look at the live object. */
  looked: boolean
  /** What asked, each once, the last few. */
  causes: string[]
  renew?: Renewal & { count: number }
  /** The object is said to be gone; a live GET decides. */
  deleted: boolean
  /** The last word on pausing. */
  pause?: boolean
  refresh: boolean
}

/** A signal as it arrives: its name and whatever was sent with it, which may be nothing or rubbish. */
export interface MailboxMessage {
  signal: 'changed' | 'deleted' | 'renew' | 'pause' | 'refresh'
  input?: unknown
}

const keptCauses = 5

export function emptyMailbox(): Mailbox {
  return { looked: false, causes: [], deleted: false, refresh: false }
}

/** True where nothing rang. */
export function isEmpty({ looked, renew, deleted, pause, refresh }: Mailbox): boolean {
  return !looked && renew === undefined && !deleted && pause === undefined && !refresh
}

/** The mailbox with one more message merged in. Never throws: anybody can send anything. */
export function post(mailbox: Mailbox, { signal, input }: MailboxMessage): Mailbox {
  switch (signal) {
    case 'changed':
      return { ...mailbox, looked: true, causes: mergeCauses(mailbox.causes, input) }
    case 'deleted':
      return { ...mailbox, deleted: true, causes: mergeCauses(mailbox.causes, input) }
    case 'renew':
      return {
        ...mailbox,
        renew: mergeRenew(mailbox.renew, input),
        causes: mergeCauses(mailbox.causes, input),
      }
    case 'pause':
      return { ...mailbox, pause: parsePause(input) }
    case 'refresh':
      return { ...mailbox, refresh: true }
  }
}

/** What is in the mailbox, and the empty one that replaces it. */
export function take(mailbox: Mailbox): { taken: Mailbox; mailbox: Mailbox } {
  return { taken: mailbox, mailbox: emptyMailbox() }
}

/** Several calls before the next look are one renewal, forced if one of them says so, for the last reason given. */
function mergeRenew(before: Mailbox['renew'], input: unknown): NonNullable<Mailbox['renew']> {
  const { reason, force } = parseRenew(input)
  return {
    reason: reason || (before?.reason ?? ''),
    force: force || (before?.force ?? false),
    count: (before?.count ?? 0) + 1,
  }
}

function mergeCauses(causes: string[], input: unknown): string[] {
  const { cause } = parseDoorbell(input)
  if (cause === undefined) return causes
  return [...causes.filter((known) => known !== cause), cause].slice(-keptCauses)
}
