import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SdkLog, TASK_FAILED, type TaskFailure } from '../../workers/telemetry/sdk-log.ts'
import { recordingLogger } from '../bridge/support/harness.ts'

function opened() {
  const logger = recordingLogger()
  const failures: TaskFailure[] = []
  return { logger, failures, log: new SdkLog(logger, 'prod-', (failure) => failures.push(failure)) }
}

test('what workflow code says keeps its level and names its certificate; the chatter of the SDK is debug', () => {
  const { log, logger } = opened()
  const run = {
    workflowId: 'prod-certificate/shop/web',
    runId: 'r1',
    workflowType: 'certificate',
    namespace: 'certloom',
  }
  log.info('clean-up handed over', { sdkComponent: 'workflow', ...run })
  log.info('Worker state changed', { sdkComponent: 'worker', state: 'RUNNING' })
  log.warn('Activity failed', { sdkComponent: 'worker', workflowRunId: 'r1', taskToken: 'AAAA' })
  log.trace('Got workflow activation', { runId: 'r1' })
  assert.deepEqual(
    logger.lines.map(({ level, message }) => `${level} ${message}`),
    ['info clean-up handed over', 'debug Worker state changed', 'debug Activity failed'],
  )
  const [said, , failed] = logger.lines.map(({ facts }) => facts as Record<string, unknown>)
  assert.equal(said?.['certificate'], 'shop/web')
  assert.deepEqual([said?.['temporalNamespace'], said?.['namespace']], ['certloom', undefined])
  assert.deepEqual([failed?.['runId'], failed?.['taskToken']], ['r1', undefined])
})

test('a workflow task that failed is an error that names the workflow of the run, and is counted', () => {
  const { log, logger, failures } = opened()
  log.trace('Creating workflow', { workflowId: 'prod-issuer/shop/ca', runId: 'r2', workflowType: 'issuer' })
  log.error(TASK_FAILED, { runId: 'r2', reason: 'nonDeterminism', error: 'does not fit' })
  assert.deepEqual(failures, [{ workflowType: 'issuer', reason: 'nonDeterminism' }])
  const [line] = logger.lines
  assert.equal(line?.level, 'error')
  const { issuer, workflowId, error } = line?.facts as Record<string, unknown>
  assert.deepEqual([issuer, workflowId, error], ['shop/ca', 'prod-issuer/shop/ca', 'does not fit'])
})
