import { knownSecrets, type KnownSecrets } from './known-secrets.ts'

// What messages must be able to say. Tokens with dots have longer or mixed parts than names of hosts and zones.
const sayable = [
  /^(\*\.)?([a-z0-9_]([a-z0-9-]{0,30}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,30}\.?(:\d+)?$/,
  // Addresses and numbers.
  /^[0-9.:[\]]+$/,
  // Paths.
  /^(\.{0,2}\/[\w.@ -]+)+\/?$/,
  // E-mail addresses.
  /^[^\s@]+@[a-z0-9.-]+$/i,
  // One to three plain words, such as a region or the name of a plugin.
  /^[a-z]{1,12}([_. -][a-z]{1,12}){0,2}$/i,
]

/**
 * Remembers what is secret among the values of a plugin's or provider's configuration. Zones, addresses and the like
 * are not: messages must be able to say them.
 */
export function learnConfiguration(values: readonly string[], known: KnownSecrets = knownSecrets): void {
  for (const secret of values.flatMap((value) => secretsOf(value))) known.add(secret)
}

/** The secret parts of one value. */
export function secretsOf(value: string): string[] {
  const text = value.replace(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g, '').trim()
  if (/[\r\n]/.test(text)) return text.split(/[\r\n]+/).flatMap((line) => secretsOf(line))
  if (text === '' || text.startsWith('-----') || sayable.some((form) => form.test(text))) return []
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(text) || !URL.canParse(text)) return [text]
  const url = new URL(text)
  return [decode(url.password), ...url.searchParams.values()].filter((one) => one !== '')
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
