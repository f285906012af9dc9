import type { KubernetesOptions } from '../activities/clients/kubernetes.ts'

/** A block that cannot be read; the message names line, property and what is expected. */
export class ConnectionBlockError extends Error {
  override readonly name = 'ConnectionBlockError'
}

interface Arity {
  least: number
  most: number
  form: string
}

const properties: Record<string, Arity> = {
  endpoint: { least: 1, most: 1, form: 'endpoint URL' },
  tls: { least: 3, most: 3, form: 'tls CERT KEY CACERT' },
  kubeconfig: { least: 1, most: 2, form: 'kubeconfig KUBECONFIG [CONTEXT]' },
}

/**
 * How to reach the API server, in the words of the CoreDNS plug-in k8s_api, as people have it in a Corefile:
 *
 *     k8s_api {
 *       endpoint URL
 *       tls CERT KEY CACERT
 *       kubeconfig KUBECONFIG CONTEXT
 *     }
 *
 * As in its code: kubeconfig wins over endpoint, tls counts with endpoint only. With neither there is nothing to say,
 * and what holds without a block holds. Throws {@link ConnectionBlockError}.
 */
export function parseConnectionBlock(text: string): KubernetesOptions {
  const values = readBlock(text)
  const [kubeconfig, context] = values.get('kubeconfig') ?? []
  if (kubeconfig !== undefined) return context === undefined ? { kubeconfig } : { kubeconfig, context }
  const [endpoint] = values.get('endpoint') ?? []
  if (endpoint === undefined) return {}
  const [cert, key, ca] = values.get('tls') ?? []
  if (cert === undefined || key === undefined || ca === undefined) return { endpoint }
  return { endpoint, tls: { cert, key, ca } }
}

function readBlock(text: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  let state: 'before' | 'inside' | 'after' = 'before'
  for (const [index, words] of text.split('\n').map(wordsOf).entries()) {
    const [first, ...rest] = words
    if (first === undefined) continue
    const fail = (why: string) => new ConnectionBlockError(`line ${index + 1}: ${why}`)
    if (state === 'before') {
      if (first !== 'k8s_api') throw fail(`"${first}" is not expected here: begin with k8s_api {`)
      if (rest.length > 1 || (rest.length === 1 && rest[0] !== '{'))
        throw fail('write k8s_api { and a line for each property')
      state = rest.length === 1 ? 'inside' : 'after'
    } else if (state === 'after') {
      throw fail(
        first === 'k8s_api' ? 'k8s_api may stand here only once' : `"${first}" stands outside of the block`,
      )
    } else if (first === '}') {
      if (rest.length > 0) throw fail('nothing may follow } on its line')
      state = 'after'
    } else {
      const arity = Object.hasOwn(properties, first) ? properties[first] : undefined
      if (!arity) throw fail(`unknown property "${first}": known are ${Object.keys(properties).join(', ')}`)
      if (rest.length < arity.least || rest.length > arity.most)
        throw fail(`${first} has ${rest.length} arguments: write ${arity.form}`)
      if (values.has(first)) throw fail(`${first} is set twice: leave one of them`)
      values.set(first, rest)
    }
  }
  if (state === 'inside') throw new ConnectionBlockError('the block is not closed: end it with }')
  return values
}

/** Words of a line as in a Corefile: separated by blanks, `"` around those with blanks, `#` begins a comment. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(#.*)|(\S+)/g)]
    .filter(([, , comment]) => comment === undefined)
    .map(([, quoted, , plain]) => quoted ?? plain ?? '')
}
