import type * as z from 'zod'

const MOST_ISSUES = 5

/**
 * What is wrong with an object, for its author: `spec.privateKey.size: must be an integer, not a string; …`. The path of
 * each field comes first; values never appear, because they may be passwords.
 */
export function describeIssues(error: z.ZodError): string {
  const shown = error.issues.slice(0, MOST_ISSUES).map((issue) => `${pathOf(issue.path)}: ${problem(issue)}`)
  const more = error.issues.length - shown.length
  if (more > 0) shown.push(`and ${more} more`)
  return shown.join('; ')
}

function pathOf(path: readonly PropertyKey[]): string {
  let text = ''
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`
    else if (/^[A-Za-z][A-Za-z0-9]*$/.test(String(part)))
      text += text === '' ? String(part) : `.${String(part)}`
    else text += `[${JSON.stringify(String(part))}]`
  }
  return text === '' ? 'object' : text
}

const typeNames: Record<string, string> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'null',
}

function problem(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type': {
      // The issue does not carry the input (it may be secret), only zod's own sentence names its type.
      const received = /received (\w+)$/.exec(issue.message)?.[1]
      if (received === 'undefined') return 'is required'
      const expected = `must be ${typeNames[issue.expected] ?? issue.expected}`
      return received === undefined || issue.expected === 'int'
        ? expected
        : `${expected}, not ${typeNames[received] ?? received}`
    }
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'invalid_union':
      return issue.message === 'Invalid input' ? 'has none of the types that are allowed here' : issue.message
    case 'too_small':
      return issue.origin === 'string' ? 'must not be empty' : `must be at least ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string'
        ? `must have at most ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`
    case 'invalid_format':
      return issue.message.replace(/^Invalid string: /, '')
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'invalid_key':
    case 'invalid_element':
    case 'custom':
      return issue.message
  }
}
