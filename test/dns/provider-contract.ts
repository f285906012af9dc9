import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { cleanUpRecord } from '../../activities/dns/registry.ts'
import type { DnsProvider, ProviderDeps } from '../../activities/dns/provider.ts'
import { callContext } from './plugin-world.ts'

/** One kind of provider with a world in which its records can be seen. */
export interface ProviderUnderTest {
  provider: DnsProvider
  deps: ProviderDeps
  /** Texts that may not appear in a handle. */
  secrets: readonly string[]
  /** The TXT values at a name, as the provider's own side knows them. */
  values(fqdn: string): Promise<readonly string[]>
  close: () => Promise<void>
}

/** What every kind of DNS provider promises. Call it once per kind, in that kind's test file. */
export function providerContract(name: string, open: () => Promise<ProviderUnderTest>): void {
  describe(`${name} keeps the contract of DNS providers`, () => {
    let world: ProviderUnderTest
    before(async () => {
      world = await open()
    })
    after(() => world.close())

    let records = 0
    const newRecord = () => {
      const domain = `name-${records++}.example.com`
      return {
        fqdn: `_acme-challenge.${domain}.`,
        domain,
        zone: 'example.com.',
        value: `value-of-${domain}-${'x'.repeat(20)}`,
      }
    }
    const cleanUp = (handle: unknown) => cleanUpRecord(handle, world.deps, callContext())

    it('is ready when everything that it needs is there', async () => {
      await world.provider.ready()
    })

    it('has a summary that fits the 64 characters of an activity beside a name', () => {
      assert.match(world.provider.summary, /^\S.{2,39}$/)
    })

    it('shows the record after present and no longer after cleanUp', async () => {
      const record = newRecord()
      const handle = await world.provider.present(record, callContext())
      assert.deepEqual(await world.values(record.fqdn), [record.value])
      await cleanUp(handle)
      assert.deepEqual(await world.values(record.fqdn), [])
    })

    it('presents twice: one value, the same handle', async () => {
      const record = newRecord()
      const first = await world.provider.present(record, callContext())
      const second = await world.provider.present(record, callContext({ again: true }))
      assert.deepEqual(second, first)
      assert.deepEqual(await world.values(record.fqdn), [record.value])
      await cleanUp(second)
    })

    it('cleans up twice', async () => {
      const record = newRecord()
      const handle = await world.provider.present(record, callContext())
      await cleanUp(handle)
      await cleanUp(handle)
      assert.deepEqual(await world.values(record.fqdn), [])
    })

    it('cleans up what was never presented', async () => {
      await cleanUp(world.provider.plan(newRecord()))
    })

    it('cleans up by the plan alone when the result of present was lost', async () => {
      const record = newRecord()
      const plan = world.provider.plan(record)
      await world.provider.present(record, callContext())
      await cleanUp(plan)
      assert.deepEqual(await world.values(record.fqdn), [])
    })

    it('leaves a handle that survives JSON, names the record and holds no secret', async () => {
      const record = newRecord()
      const handle = await world.provider.present(record, callContext())
      const json = JSON.stringify(handle)
      assert.deepEqual(JSON.parse(json), handle)
      assert.deepEqual([handle.v, handle.fqdn, handle.value], [1, record.fqdn, record.value])
      assert.ok(world.secrets.length > 0)
      for (const secret of world.secrets) assert.ok(!json.includes(secret))
      await cleanUp(JSON.parse(json))
      assert.deepEqual(await world.values(record.fqdn), [])
    })

    it('treats a second value at a name as its capabilities say', async () => {
      const one = newRecord()
      const two = { ...one, value: `second-${one.value}` }
      const { holdsManyValues, deletesByValue } = world.provider.capabilities
      const first = await world.provider.present(one, callContext())
      if (!holdsManyValues) await cleanUp(first)
      const second = await world.provider.present(two, callContext())
      const expected = holdsManyValues ? [one.value, two.value] : [two.value]
      assert.deepEqual([...(await world.values(one.fqdn))].sort(), expected.sort())
      if (holdsManyValues) await cleanUp(first)
      if (deletesByValue) assert.deepEqual(await world.values(one.fqdn), [two.value])
      await cleanUp(second)
      assert.deepEqual(await world.values(one.fqdn), [])
    })

    it('does nothing when the call was aborted before it began', async () => {
      const record = newRecord()
      const signal = AbortSignal.abort(new Error('given up'))
      await assert.rejects(world.provider.present(record, callContext({ signal })), /given up/)
      assert.deepEqual(await world.values(record.fqdn), [])
    })

    it('refuses a handle with a field that it does not know', async () => {
      const handle = { ...world.provider.plan(newRecord()), surprise: true }
      await assert.rejects(cleanUp(handle), /handle\.surprise/)
    })
  })
}
