import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { CertloomError } from '../../activities/failure.ts'
import type { CallContext, ProviderDeps } from '../../activities/dns/provider.ts'
import { installPlugin } from '../../tools/plugins/install.ts'

const testPlugins = ['strict.mjs', 'exit.sh', 'silent.sh', 'hang.mjs', 'flood.mjs', 'leak.mjs']

/** A plugin directory with every plugin of the tests, Secrets in memory, and the management API of a name server. */
export interface PluginWorld {
  directory: string
  deps: ProviderDeps
  /** Content by "namespace/name/key". */
  secrets: Map<string, Buffer | string>
  dns: ManagedNames
  close: () => Promise<void>
}

export async function openPluginWorld(): Promise<PluginWorld> {
  const directory = await mkdtemp(join(tmpdir(), 'certloom-plugins-'))
  for (const file of testPlugins) {
    const source = fileURLToPath(new URL(`plugins/${file}`, import.meta.url))
    await installPlugin(source, directory, file.replace(/\.\w+$/, ''))
  }
  const example = fileURLToPath(new URL('../../examples/plugins/fixture-dns.mjs', import.meta.url))
  await installPlugin(example, directory, 'fixture-dns')
  const secrets = new Map<string, Buffer | string>()
  const dns = await manageNames()
  return {
    directory,
    secrets,
    dns,
    deps: {
      pluginDirectory: directory,
      pluginGraceMs: 50,
      async readSecret({ namespace, name, key }) {
        const content = secrets.get(`${namespace}/${name}/${key}`)
        if (content === undefined) throw new CertloomError('SecretNotFound', `Secret ${namespace}/${name}`)
        return Buffer.from(content)
      },
    },
    async close() {
      await dns.close()
      await rm(directory, { recursive: true })
    },
  }
}

/** The calls of one provider: nothing aborts them unless the test does. */
export function callContext(more: Partial<CallContext> = {}): CallContext {
  return { signal: new AbortController().signal, heartbeat() {}, ...more }
}

export interface ManagedNames {
  url: string
  /** TXT values by name. */
  values: Map<string, string[]>
  /** Every request as "path host value". */
  requests: string[]
  /** Answers every request with this status instead of doing it. */
  refuseWith: number | undefined
  /** The Authorization header of the last request. */
  authorization: string | undefined
  close: () => Promise<void>
}

async function manageNames(): Promise<ManagedNames> {
  const names: ManagedNames = {
    url: '',
    values: new Map(),
    requests: [],
    refuseWith: undefined,
    authorization: undefined,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { host, value } = JSON.parse(body) as { host: string; value?: string }
      names.authorization = request.headers.authorization
      names.requests.push([request.url, host, ...(value === undefined ? [] : [value])].join(' '))
      if (names.refuseWith !== undefined) return response.writeHead(names.refuseWith).end()
      if (request.url === '/set-txt' && value !== undefined) {
        names.values.set(host, [...new Set([...(names.values.get(host) ?? []), value])])
      } else if (request.url === '/clear-txt') names.values.delete(host)
      else return response.writeHead(404).end()
      return response.end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  names.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return names
}
