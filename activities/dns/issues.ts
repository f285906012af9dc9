import type { z } from 'zod'

/** What a schema found wrong, as "field: problem" with full field paths; never the value of a field. */
export function describeIssues(error: z.ZodError, path: string): string {
  return error.issues.flatMap((issue) => describe(issue, path)).join('; ')
}

function describe(issue: z.core.$ZodIssue, path: string): string[] {
  const field = issue.path.reduce<string>(
    (parent, part) => (typeof part === 'number' ? `${parent}[${part}]` : `${parent}.${String(part)}`),
    path,
  )
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${field}.${key}: is not a known field`)
  if (issue.code === 'invalid_type') {
    return [
      issue.message.endsWith('received undefined') ? `${field}: is required` : `${field}: ${issue.message}`,
    ]
  }
  return [`${field}: ${issue.message}`]
}
