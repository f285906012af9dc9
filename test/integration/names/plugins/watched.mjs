// An exec plugin that writes down when each of its calls starts and ends, and that can be held at a gate: while the
// file `<gate>.<COMMAND>` is there, the call waits before it touches DNS; `<gate>.fail.<COMMAND>` makes it fail.
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

const { COMMAND, FQDN, TOKEN } = process.env
const { url, log, gate } = JSON.parse(readFileSync(0, 'utf8'))
const say = (phase, more = {}) => {
  const at = process.hrtime.bigint().toString()
  const time = new Date().toISOString()
  const line = { at, time, phase, pid: process.pid, command: COMMAND, fqdn: FQDN, value: TOKEN, ...more }
  appendFileSync(log, `${JSON.stringify(line)}\n`)
}

function post(path, body) {
  return new Promise((resolve, reject) => {
    const call = request(url + path, { method: 'POST', timeout: 10_000 }, (response) => {
      response.resume()
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`${response.statusCode}`)),
      )
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })
}

say('start')
let exitCode = 0
try {
  while (existsSync(`${gate}.${COMMAND}`)) await delay(10)
  if (existsSync(`${gate}.fail.${COMMAND}`)) throw new Error('the provider is out of order')
  if (COMMAND === 'CREATE') await post('/set-txt', { host: FQDN, value: TOKEN })
  else await post('/clear-txt', { host: FQDN })
} catch (error) {
  exitCode = 1
  console.error(error.message)
}
say('end', { exitCode })
process.exitCode = exitCode
