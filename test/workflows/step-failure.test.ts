import {
  ActivityFailure,
  ApplicationFailure,
  RetryState,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf } from '../../workflows/stages/steps.ts'
import { failure } from './support.ts'

function timedOut(earlier: Error | undefined): ActivityFailure {
  const lost = new TimeoutFailure('activity Heartbeat timeout', undefined, TimeoutType.HEARTBEAT)
  // As the SDK does when it reads one.
  const cause = Object.assign(lost, { cause: earlier })
  const retryState = RetryState.MAXIMUM_ATTEMPTS_REACHED
  return new ActivityFailure('activity failed', 'cleanUpChallenge', undefined, retryState, undefined, cause)
}

test('a step whose last try was lost says what the try before it reported', () => {
  const earlier = failure('CleanUpPending', 'the name is in use')
  assert.ok(earlier instanceof ApplicationFailure)
  assert.deepEqual(failureOf(timedOut(earlier)), { code: 'CleanUpPending', message: 'the name is in use' })
})

test('a step of which nothing is known but that it was lost is a mistake of ours', () => {
  assert.deepEqual(failureOf(timedOut(undefined)), {
    code: 'Internal',
    message: 'activity Heartbeat timeout',
  })
})
