import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Kubernetes } from '../../activities/clients/kubernetes.ts'
import { Outage } from '../../k8s-bridge/outage.ts'
import type { Target } from '../../k8s-bridge/doorbell.ts'
import { recordingLogger } from './support/harness.ts'

const MINUTE = 60_000
const web: Target = { kind: 'Certificate', namespace: 'shop', name: 'web' }

/** An outage with a clock of its own; `warnings` are the names of the objects that were warned. */
function watchedOutage() {
  const warnings: string[] = []
  const clock = { now: 0 }
  const kubernetes = {
    create: (_path: string, event: { involvedObject: { name: string } }) => {
      warnings.push(event.involvedObject.name)
      return Promise.resolve(event)
    },
  } as unknown as Kubernetes
  return { outage: new Outage(kubernetes, recordingLogger(), () => clock.now), clock, warnings }
}

test('an object is warned once in an outage, however often its call fails', async () => {
  const { outage, warnings } = watchedOutage()
  for (let tries = 0; tries < 3; tries++) await outage.tell(web, 'uid-1')
  assert.deepEqual(warnings, ['web'])
})

test('a call that fails once more while Temporal comes up belongs to the same outage', async () => {
  const { outage, clock, warnings } = watchedOutage()
  await outage.tell(web, 'uid-1')
  outage.over()
  clock.now += MINUTE - 1
  await outage.tell(web, 'uid-1')
  assert.deepEqual(warnings, ['web'])
})

test('an outage after a calm minute is another one and is told again', async () => {
  const { outage, clock, warnings } = watchedOutage()
  await outage.tell(web, 'uid-1')
  outage.over()
  clock.now += MINUTE
  outage.over()
  await outage.tell(web, 'uid-1')
  assert.deepEqual(warnings, ['web', 'web'])
})
