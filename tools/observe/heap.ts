import { choosePorts } from '../servers/ports.ts'

/** A free port for the inspector of a process, and the argument with which Node keeps it closed until it is asked. */
export async function inspectorPort(): Promise<{ port: number; argument: string }> {
  const { inspector } = await choosePorts({ inspector: {} })
  return { port: inspector, argument: `--inspect-port=127.0.0.1:${inspector}` }
}

interface Answer {
  readonly id?: number
  readonly result?: { readonly usedSize?: number }
  readonly error?: { readonly message: string }
}

/**
 * Live heap of the main thread of a Node process after a garbage collection, MiB. Resident memory tells little about a
 * thousand small objects: it holds what start-up has left behind. SIGUSR1 opens the inspector.
 * @throws Error if the process does not answer within ten seconds
 */
export async function liveHeapMiB(pid: number, port: number): Promise<number> {
  process.kill(pid, 'SIGUSR1')
  const socket = new WebSocket(await debuggerUrl(port))
  try {
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve, { once: true })
      socket.addEventListener('error', () => reject(new Error(`no inspector at port ${port}`)), {
        once: true,
      })
    })
    await ask(socket, 1, 'HeapProfiler.collectGarbage')
    const { usedSize = Number.NaN } = await ask(socket, 2, 'Runtime.getHeapUsage')
    return usedSize / 2 ** 20
  } finally {
    socket.close()
  }
}

async function debuggerUrl(port: number): Promise<string> {
  for (const end = Date.now() + 10_000; ;) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`, { headers: { connection: 'close' } })
      const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[]
      if (target !== undefined) return target.webSocketDebuggerUrl
    } catch (error) {
      if (Date.now() > end) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<NonNullable<Answer['result']>> {
  const { promise, resolve, reject } = Promise.withResolvers<NonNullable<Answer['result']>>()
  const limit = setTimeout(() => reject(new Error(`${method}: no answer within 10 s`)), 10_000)
  socket.addEventListener('message', ({ data }) => {
    const answer = JSON.parse(String(data)) as Answer
    if (answer.id !== id) return
    if (answer.error !== undefined) reject(new Error(`${method}: ${answer.error.message}`))
    else resolve(answer.result ?? {})
  })
  socket.send(JSON.stringify({ id, method }))
  return promise.finally(() => clearTimeout(limit))
}
