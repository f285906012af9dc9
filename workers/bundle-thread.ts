/** A thread of its own for webpack: seconds of work and hundreds of megabytes that go with the thread. */
import { parentPort, workerData } from 'node:worker_threads'
import { bundleWorkflowCode, type BundleOptions } from '@temporalio/worker'

export type FromThread =
  { code: string } | { level: 'debug' | 'warn' | 'error'; message: string; meta?: object }

const tell = (message: FromThread) => parentPort?.postMessage(message)
const said = (level: 'debug' | 'warn' | 'error') => (message: string, meta?: object) =>
  tell({ level, message, meta: plain(meta) })

const { code } = await bundleWorkflowCode({
  ...(workerData as BundleOptions),
  logger: {
    log: (_level: string, message: string, meta?: object) => said('debug')(message, meta),
    trace: said('debug'),
    debug: said('debug'),
    info: said('debug'),
    warn: said('warn'),
    error: said('error'),
  },
})
tell({ code })

/** What a message between threads can carry of it. */
function plain(meta: object | undefined): object | undefined {
  return meta === undefined ? undefined : (JSON.parse(JSON.stringify(meta)) as object)
}
