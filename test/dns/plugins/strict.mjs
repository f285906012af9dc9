// Accepts exactly the environment of the contract, and writes what it saw to the file that its configuration names.
import { readFileSync, writeFileSync } from 'node:fs'

const stdin = readFileSync(0)
const names = Object.keys(process.env).sort().join(' ')
const seen = {
  env: { ...process.env },
  argv: process.argv.slice(2),
  cwd: process.cwd(),
  stdin: stdin.toString('base64'),
  leadsGroup: Number(readFileSync('/proc/self/stat', 'utf8').split(' ')[4]) === process.pid,
}
writeFileSync(JSON.parse(stdin.toString()).dump, JSON.stringify(seen))
if (names !== 'APIVERSION COMMAND DOMAIN FQDN TOKEN') {
  console.error(`unexpected environment: ${names}`)
  process.exitCode = 1
}
