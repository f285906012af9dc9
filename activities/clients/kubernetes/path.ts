import { KubernetesError } from './error.ts'

/**
 * Refuses a path that a server or proxy could read as another one: names come from specs. The last guard; whoever
 * builds paths checks each name.
 */
export function checkPath(method: string, path: string): void {
  const wrong = /[^\x21-\x7e]|[?#\\]|%2f|%2e|%5c/i.test(path)
  if (!wrong && path.startsWith('/') && path.slice(1).split('/').every(isSegment)) return
  const message = 'the path of the call has an empty, "." or ".." segment or a forbidden character'
  throw new KubernetesError({ status: 0, reason: 'InvalidPath', message, method, path })
}

function isSegment(text: string): boolean {
  return text !== '' && text !== '.' && text !== '..'
}
