import { actors } from '../../workflows/domain/actors.ts'
import { failures, type FailureEntry, type FailureKind } from '../../workflows/domain/failures.ts'

const kinds: Readonly<Record<FailureKind, { heading: string; reaction: string }>> = {
  spec: {
    heading: 'Wrong as written',
    reaction:
      'Nothing is issued until somebody changes the object; `Stalled` is True meanwhile. What only a step of the issuance finds, such as a solver that is missing at the issuer, is looked at again by itself: after 5 s at first, later every 5 min.',
  },
  blocked: {
    heading: 'Something is missing',
    reaction:
      'certloom waits in place and looks again: after a few seconds at first, later every 5 min, and at once when the missing thing appears. It is not counted as a failed attempt, and an order in hand is kept.',
  },
  later: {
    heading: 'Not before a given time',
    reaction: 'certloom goes on at the time that the message names. It is not counted as a failed attempt.',
  },
  transient: {
    heading: 'Passing trouble',
    reaction: 'The step is tried again in place, by itself, with growing pauses.',
  },
  spent: {
    heading: 'Judged and lost',
    reaction:
      'The attempt is over and counts in `status.failedIssuanceAttempts`. The next one begins after 1 h, doubling up to 32 h; a change of the object or a `renew` begins it at once. On the Certificate this is `Issuing` False with reason `Failed` and what the CA said, as in cert-manager; the code stands in Temporal (`BackingOff`) and in the event of the CertificateRequest.',
  },
}

/** The page of all failure codes, as docs/errors.md holds it. */
export function errorsPage(): string {
  const entries = Object.entries(failures) as [string, FailureEntry][]
  const sections = (Object.keys(kinds) as FailureKind[]).flatMap((kind) => {
    const { heading, reaction } = kinds[kind]
    const rows = entries.filter(([, entry]) => entry.kind === kind).map(row)
    return [
      `## ${heading} (\`${kind}\`)`,
      '',
      reaction,
      '',
      '| code | what it means | who acts | what to do |',
      '|---|---|---|---|',
      ...rows,
      '',
    ]
  })
  return [
    '# Errors',
    '',
    '<!-- Generated from workflows/domain/failure-list.ts by tools/docs/errors.ts. Do not edit. -->',
    '',
    'Every way in which certloom can fail to keep a certificate current has one code. The same code stands in the reason',
    'of the `Stalled` condition, in the event, in Temporal (failure type and search attribute `CertErrorType`) and in',
    'metrics. A link to a code works: `errors.md#ratelimited`.',
    '',
    ...sections,
  ]
    .join('\n')
    .replace(/\n+$/, '\n')
}

function row([code, { acts, meaning, remedy }]: [string, FailureEntry]): string {
  return `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${cell(meaning)} | ${actors[acts]} | ${cell(remedy)} |`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
