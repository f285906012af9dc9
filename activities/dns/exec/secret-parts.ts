// Shorter lines are words; a "name: value" line counts by its value, whatever its length.
const MIN_LINE = 8

/**
 * Everything in a plugin's configuration that may not appear in a text: all of it, every string of a JSON document, the
 * lines and the values of "name: value" and "name=value" lines of any other. Longest first, so that no part is cut by a
 * shorter one inside it.
 */
export function secretParts(configuration: Buffer): string[] {
  const text = configuration.toString('utf8').trim()
  if (text === '') return []
  const parts = new Set([text, configuration.toString('latin1').trim()])
  for (const value of jsonStrings(text) ?? linesOf(text)) {
    parts.add(value)
    // As it stands inside a JSON document.
    parts.add(JSON.stringify(value).slice(1, -1))
    for (const line of value.split(/[\r\n]+/)) if (line.trim().length >= MIN_LINE) parts.add(line.trim())
  }
  parts.delete('')
  return [...parts].sort((a, b) => b.length - a.length)
}

/** The values of a configuration: every string of a JSON document, or what stands after ":" or "=" in the lines of any other. */
export function configurationValues(configuration: Buffer): string[] {
  const text = configuration.toString('utf8').trim()
  const strings = jsonStrings(text)
  if (strings !== undefined) return strings
  return text.split(/[\r\n]+/).map((line) => bareValue(line) ?? line.trim())
}

function jsonStrings(text: string): string[] | undefined {
  const found: string[] = []
  try {
    JSON.parse(text, (_key, value: unknown) => {
      if (typeof value === 'string') found.push(value)
      return value
    })
    return found
  } catch {
    return undefined
  }
}

function linesOf(text: string): string[] {
  return text.split(/[\r\n]+/).flatMap((line) => {
    const value = valueOf(line)
    return [...(line.trim().length >= MIN_LINE ? [line.trim()] : []), value ?? '', bareValue(line) ?? '']
  })
}

function valueOf(line: string): string | undefined {
  return /^[^:=]*[:=](.*)$/.exec(line)?.[1]?.trim()
}

/** Without quotes around it. */
function bareValue(line: string): string | undefined {
  return valueOf(line)?.replace(/^(["'])(.*)\1,?$/, '$2')
}
