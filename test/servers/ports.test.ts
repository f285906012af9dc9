import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { test } from 'node:test'
import { choosePorts } from '../../tools/servers/ports.ts'

test('every name gets a port of its own', async () => {
  const ports = Object.values(await choosePorts({ a: {}, b: {}, c: { udp: true } }))
  assert.equal(new Set(ports).size, 3)
})

test('a preferred port is taken when it is free and passed over when it is not', async () => {
  const { free } = await choosePorts({ free: {} })
  assert.equal((await choosePorts({ again: { preferred: free } })).again, free)
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const busy = (server.address() as AddressInfo).port
  assert.notEqual((await choosePorts({ other: { preferred: busy } })).other, busy)
  server.close()
})
