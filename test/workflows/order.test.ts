import assert from 'node:assert/strict'
import { toApplicationFailure } from '../../activities/boundary.ts'
import { CertloomError } from '../../activities/failure.ts'
import type { FailureCode } from '../../workflows/domain/failures.ts'
import type { PlacedOrder } from '../../workflows/domain/placed-order.ts'
import { challenge, inWorld, startCertificate, type Fakes } from './support.ts'

const test = inWorld()

const acme = (_cluster: Fakes['cluster'], namespace: string): Partial<Fakes['cluster']> => ({
  flow: 'order',
  groups: [[challenge('example.com', { namespace, uid: `${namespace}-1` })]],
})

const placed: PlacedOrder = {
  url: 'https://ca.example/order/7',
  issuer: { kind: 'ClusterIssuer', namespace: '', name: 'example' },
}

const unrecorded = (code: FailureCode) =>
  toApplicationFailure(new CertloomError(code, 'POST orders: exceeded quota', { placed }))

for (const code of ['Forbidden', 'KubernetesUnavailable'] as const) {
  test(`an order that could not be written down (${code}) is handed to the next try`, async (world) => {
    await using subject = await startCertificate(
      world,
      (defaults) => ({
        async createOrder(input) {
          if (input.placed === undefined) throw unrecorded(code)
          return defaults.createOrder(input)
        },
      }),
      acme,
    )
    await subject.calls.nth('createOrder')
    await subject.handle.signal('changed')
    await subject.issued(1)
    assert.deepEqual(
      subject.calls.of('createOrder').map(({ input }) => input.placed),
      [undefined, placed],
    )
  })
}

test('an order that could not be written down is given up with its attempt', async (world) => {
  let full = true
  await using subject = await startCertificate(
    world,
    (defaults) => ({
      async createOrder(input) {
        if (full) throw unrecorded('Forbidden')
        return defaults.createOrder(input)
      },
    }),
    acme,
  )
  await subject.phase('Blocked')
  full = false
  await subject.change({ digest: 'digest-2' })
  const { input } = await subject.calls.nth('abandonOrder')
  assert.deepEqual(input.placed, placed)
  await subject.issued(1)
  assert.equal(subject.calls.of('createOrder').at(-1)?.input.placed, undefined)
})
