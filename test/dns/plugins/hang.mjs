// Never ends, ignores SIGTERM, and has a child that does the same and holds the pipes. Writes the process ids of both to
// the file that its configuration names.
import { spawn } from 'node:child_process'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

process.on('SIGTERM', () => {})
const { pids, endAfterGrandchild, escape = false } = JSON.parse(readFileSync(0, 'utf8'))
const stubborn = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); process.send('up')`
const grandchild = spawn(process.execPath, ['-e', stubborn], {
  stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  detached: escape,
})
grandchild.once('message', () => {
  writeFileSync(`${pids}.new`, JSON.stringify([process.pid, grandchild.pid]))
  renameSync(`${pids}.new`, pids)
  if (endAfterGrandchild) process.exit(0)
})
setInterval(() => {}, 1000)
