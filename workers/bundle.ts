import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { BundleOptions } from '@temporalio/worker'
import type { Logger } from '../activities/deps.ts'
import type { FromThread } from './bundle-thread.ts'

/**
 * The workflow code as one script, made once per process: every start of a worker then takes it as it is. A thread of
 * its own makes it, so that the Lease is renewed meanwhile.
 * `stackTraces`: whether errors in it know their lines, at twice the price (`workflows/lean.ts`).
 *
 * @throws Error of the bundler, when a module cannot be read or imports what workflows must not
 */
export async function workflowBundle(
  log: Logger,
  { encrypts = false, stackTraces = false, workflowsPath = workflowFile('index.ts') } = {},
): Promise<{ code: string }> {
  const started = performance.now()
  const code = await inThread(log, {
    workflowsPath,
    // Shared by all workflows of a worker instead of loaded anew for each: none of our modules has a state of its own.
    preloadModules: [...(stackTraces ? [] : [workflowFile('lean.ts')]), workflowsPath],
    payloadConverterPath: workflowFile('payload-converter.ts'),
    failureConverterPath: workflowFile(encrypts ? 'encoding-failure-converter.ts' : 'failure-converter.ts'),
  })
  log.debug({ ms: Math.round(performance.now() - started), bytes: code.length }, 'workflow code bundled')
  return { code }
}

async function inThread(log: Logger, options: BundleOptions): Promise<string> {
  const thread = new Worker(new URL('./bundle-thread.ts', import.meta.url), { workerData: options })
  let code: string | undefined
  thread.on('message', (message: FromThread) => {
    if ('code' in message) code = message.code
    else log[message.level]({ ...message.meta }, message.message)
  })
  // Rejects with the error of the thread.
  await once(thread, 'exit')
  if (code === undefined) throw new Error('the thread that bundles the workflow code ended without a result')
  return code
}

function workflowFile(name: string): string {
  return fileURLToPath(new URL(`../workflows/${name}`, import.meta.url))
}
