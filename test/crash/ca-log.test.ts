import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atCa } from '../integration/crash/support/ca-log.ts'
import type { AcmeRequest } from '../../tools/observe/acme-proxy.ts'

const url = (path: string) => `https://ca.test${path}`
const request = (path: string, more: Partial<AcmeRequest> = {}): AcmeRequest => ({
  ...{ at: 0, method: 'POST', path, status: 200, ...more },
})
const newOrder = (id: number, name = 'web.test') =>
  request('/order-plz', {
    status: 201,
    payload: { identifiers: [{ type: 'dns', value: name }] },
    answer: { finalize: url(`/finalize-order/${id}`), authorizations: [url(`/authZ/${id}`)] },
  })
const look = (id: number, state: string) => request(`/authZ/${id}`, { state })
const finalize = (id: number, status = 200) =>
  request(`/finalize-order/${id}`, {
    status,
    payload: { csr: Buffer.from('web.test').toString('base64url') },
  })

test('the orders of a name are counted, and those that were finalized', () => {
  const log = [newOrder(1), look(1, 'valid'), finalize(1, 403), finalize(1), newOrder(2, 'other.test')]
  assert.deepEqual(atCa(log, 'web.test'), { orders: 1, finalized: 1, pending: 0 })
})

test('an order is left pending until its authorization is seen valid, invalid or given back', () => {
  const left = (...log: AcmeRequest[]) => atCa([newOrder(1), ...log], 'web.test').pending
  assert.equal(left(), 1)
  assert.equal(left(look(1, 'pending')), 1)
  assert.equal(left(look(2, 'valid')), 1)
  assert.equal(left(look(1, 'pending'), request('/authZ/1', { status: 500 })), 1)
  for (const state of ['valid', 'invalid', 'deactivated'])
    assert.equal(left(look(1, 'pending'), look(1, state)), 0)
})

test('an order that was finalized is not pending, whatever was last seen of its authorization', () => {
  assert.equal(atCa([newOrder(1), look(1, 'pending'), finalize(1)], 'web.test').pending, 0)
  assert.equal(atCa([newOrder(1), look(1, 'pending'), finalize(1, 403)], 'web.test').pending, 1)
})

test('an order of which the log tells nothing counts as pending', () => {
  assert.equal(atCa([{ ...newOrder(1), answer: undefined }], 'web.test').pending, 1)
})
