import { bundleWorkflowCode } from '@temporalio/worker'
import { fileURLToPath } from 'node:url'
import type { Logger } from '../activities/deps.ts'

/**
 * The workflow code as one script, made once per process: every start of a worker then takes it as it is.
 * `stackTraces`: whether errors in it know their lines, at twice the price (`workflows/lean.ts`).
 */
export async function workflowBundle(
  log: Logger,
  { encrypts = false, stackTraces = false, workflowsPath = workflowFile('index.ts') } = {},
): Promise<{ code: string }> {
  const started = performance.now()
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    // Shared by all workflows of a worker instead of loaded anew for each: none of our modules has a state of its own.
    preloadModules: [...(stackTraces ? [] : [workflowFile('lean.ts')]), workflowsPath],
    payloadConverterPath: workflowFile('payload-converter.ts'),
    failureConverterPath: workflowFile(encrypts ? 'encoding-failure-converter.ts' : 'failure-converter.ts'),
    logger: quiet(log),
  })
  log.debug({ ms: Math.round(performance.now() - started), bytes: code.length }, 'workflow code bundled')
  return { code }
}

function workflowFile(name: string): string {
  return fileURLToPath(new URL(`../workflows/${name}`, import.meta.url))
}

function quiet(log: Logger) {
  const pass = (message: string, meta?: object) => log.debug({ ...meta }, message)
  return {
    log: (_level: string, message: string, meta?: object) => pass(message, meta),
    trace: pass,
    debug: pass,
    info: pass,
    warn: (message: string, meta?: object) => log.warn({ ...meta }, message),
    error: (message: string, meta?: object) => log.error({ ...meta }, message),
  }
}
