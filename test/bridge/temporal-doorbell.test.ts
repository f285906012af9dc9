import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TemporalUnavailable } from '../../k8s-bridge/doorbell.ts'
import { doorbellOf, type Listed } from './support/temporal-stub.ts'

const listed = (name: string, cluster = 'ours', prefix = ''): Listed => ({
  workflowId: `${prefix}certificate/shop/${name}`,
  memo: { cluster, target: { kind: 'Certificate', namespace: 'shop', name } },
})

test('open workflows are listed whole where each page comes in time, however long all of them take', async () => {
  const pages = Array.from({ length: 10 }, (_, page) => [listed(`web-${page}`)])
  const open = await doorbellOf(pages, { pageMs: 900, pageDeadline: 1_000 }).openWorkflows()
  assert.deepEqual(
    [...open.keys()],
    pages.map((_, page) => `Certificate/shop/web-${page}`),
  )
})

test('a page that does not come in time means that Temporal does not answer', async () => {
  const doorbell = doorbellOf([[listed('web')]], { pageMs: 1_100, pageDeadline: 1_000 })
  await assert.rejects(doorbell.openWorkflows(), TemporalUnavailable)
})
