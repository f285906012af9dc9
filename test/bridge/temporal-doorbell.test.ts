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

test('a cluster that shares the namespace under a prefix of its own is passed over', async () => {
  const open = await doorbellOf([[listed('web', 'theirs', 'b-'), listed('api')]]).openWorkflows()
  assert.deepEqual([...open.keys()], ['Certificate/shop/api'])
})

test('workflows of another cluster under our ids are refused, with what to do', async () => {
  const doorbell = doorbellOf([[listed('api', 'ours', 'a-')], [listed('web', 'theirs', 'a-')]], {
    prefix: 'a-',
  })
  await assert.rejects(
    doorbell.openWorkflows(),
    /a-certificate\/shop\/web .*namespace certloom .*another cluster.*CERTLOOM_WORKFLOW_PREFIX.*terminate/,
  )
})
