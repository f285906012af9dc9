import { after, before, test } from 'node:test'
import assert from 'node:assert/strict'
import type { Certificate } from '../../../k8s-bridge/api/certificate.ts'
import { condition, World } from '../support/world.ts'
import { clusterIssuer, openSite, orders } from './support/acme-world.ts'

let world: World
before(async () => {
  world = await World.open()
  await world.startController()
})
after(() => world.close())

/** No Order may be made in the namespace; the status is what a controller manager would write. */
async function allowNoOrders(namespace: string): Promise<string> {
  const hard = { 'count/orders.acme.cert-manager.io': '0' }
  const path = `/api/v1/namespaces/${namespace}/resourcequotas`
  const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'no-orders' }, spec: { hard } }
  const made = await world.kubernetes.create<object>(path, quota)
  await world.kubernetes.replace(`${path}/no-orders/status`, { ...made, status: { hard, used: hard } })
  return `${path}/no-orders`
}

test('a CA is asked for one order only, however often the API server refuses to take it down', async () => {
  const { namespace, name, domain, proxy } = await openSite(world, 'unrecorded')
  try {
    const quota = await allowNoOrders(namespace)
    await world.certificate(namespace, 'web', { dnsNames: [domain], ...clusterIssuer(name) })
    const blocked = await world.untilObject<Certificate>(
      'Certificate',
      namespace,
      'web',
      'blocked by the quota',
      (one) => condition(one, 'Stalled')?.reason === 'Forbidden',
    )
    assert.match(condition(blocked, 'Stalled')?.message ?? '', /exceeded quota: no-orders/)

    const workflow = world.temporal.workflow.getHandle(`certificate/${namespace}/web`)
    const tries = async () => {
      const { events } = await workflow.fetchHistory()
      return events?.filter(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'createOrder',
      ).length
    }
    await world.until('more tries', 30, async () => {
      await workflow.signal('changed', { v: 1 })
      return ((await tries()) ?? 0) >= 4
    })
    assert.equal(proxy.orders, 1)

    await world.kubernetes.delete(quota)
    await workflow.signal('changed', { v: 1 })
    await world.ready(namespace, 'web')
    assert.equal(proxy.orders, 1)
    assert.equal((await orders(world, namespace))[0]?.status?.state, 'valid')
  } finally {
    await proxy.close()
  }
})
