// The plugin of the secrets scan. It writes down what the kernel shows of it to others, its environment and its command
// line, and then works as the example plugin does. With "careless" in its configuration it tells the world its secret
// in every way that it can think of, and fails.
import { appendFileSync, readFileSync } from 'node:fs'
import { request } from 'node:http'

const { COMMAND, FQDN, TOKEN } = process.env
const text = readFileSync(0, 'utf8')
const { url, token, seen, careless } = JSON.parse(text)
const [environ, cmdline] = ['environ', 'cmdline'].map((file) => readFileSync(`/proc/self/${file}`, 'latin1'))
appendFileSync(seen, `${JSON.stringify({ pid: process.pid, environ, cmdline })}\n`)

if (careless !== undefined) {
  const bytes = Buffer.from(token)
  const ways = {
    raw: token,
    hex: bytes.toString('hex'),
    base64: bytes.toString('base64'),
    inside: Buffer.from(`x${token}`).toString('base64'),
    all: text,
  }
  process.stderr.write(`cannot log in with ${ways[careless] ?? token}: denied\n`)
  process.exitCode = 1
} else {
  const [path, body] =
    COMMAND === 'CREATE' ? ['/set-txt', { host: FQDN, value: TOKEN }] : ['/clear-txt', { host: FQDN }]
  const call = request(new URL(path, url), { method: 'POST' }, (response) => {
    response.resume()
    response.on('end', () => {
      process.exitCode = response.statusCode === 200 ? 0 : 1
    })
  })
  call.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
  })
  call.end(JSON.stringify(body))
}
