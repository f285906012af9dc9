import assert from 'node:assert/strict'
import { appendFile, mkdtempDisposable, rename, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { AuditLog } from '../../tools/observe/audit-log.ts'

const line = (verb: string, userAgent: string) =>
  `${JSON.stringify({ verb, userAgent, objectRef: { resource: 'secrets', namespace: 'shop', name: 'web-tls' } })}\n`

async function begin(folder: string) {
  const auditLogPath = join(folder, 'audit.log')
  await writeFile(auditLogPath, line('create', 'certloom/0.1.0'))
  return { auditLogPath, audit: await AuditLog.start({ kubernetes: { auditLogPath } }) }
}

test('only what certloom asked since the start is told', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'audit-'))
  const { auditLogPath, audit } = await begin(folder.path)
  await appendFile(
    auditLogPath,
    line('patch', 'certloom/0.1.0') + line('create', 'kubectl/v1') + '{"verb":"de',
  )
  assert.deepEqual(await audit.requests(), [
    { verb: 'patch', resource: 'secrets', namespace: 'shop', name: 'web-tls', code: 0 },
  ])
})

test('an audit log that is shorter than it was is refused', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'audit-'))
  const { auditLogPath, audit } = await begin(folder.path)
  await truncate(auditLogPath)
  await assert.rejects(audit.requests(), /begun anew/)
})

test('an audit log that was rotated is refused, also once the new one is longer', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'audit-'))
  const { auditLogPath, audit } = await begin(folder.path)
  await rename(auditLogPath, `${auditLogPath}.old`)
  await writeFile(auditLogPath, line('patch', 'certloom/0.1.0').repeat(5))
  await assert.rejects(audit.writes(), /begun anew/)
})
