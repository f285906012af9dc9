// The example plugin with moods: a file that its configuration names says how CREATE and DELETE go.
//
// mood: {"CREATE"|"DELETE": {exit?, stderr?, echo?, hang?, value?}}
//   exit    end with this code instead of doing anything, with `stderr` on stderr
//   echo    put the whole configuration on stderr too, as a careless plugin would
//   hang    never end, and ignore SIGTERM; "after": only when the record has been written or removed
//   value   write this instead of TOKEN
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { request } from 'node:http'

const { COMMAND, FQDN, TOKEN } = process.env
const text = readFileSync(0, 'utf8')
const { url, log, mood: moodFile } = JSON.parse(text)
const moods = existsSync(moodFile) ? JSON.parse(readFileSync(moodFile, 'utf8')) : {}
const mood = moods[COMMAND] ?? {}
const note = (more) =>
  appendFileSync(
    log,
    `${JSON.stringify({ at: new Date().toISOString(), command: COMMAND, fqdn: FQDN, token: TOKEN, ...more })}\n`,
  )

const hang = () => {
  process.on('SIGTERM', () => {})
  note({ hangs: process.pid })
  setInterval(() => {}, 1000)
}

if (mood.hang === true) {
  hang()
} else if (mood.exit !== undefined) {
  process.stderr.write(`${mood.stderr ?? 'the provider said no'}${mood.echo ? ` ${text}` : ''}\n`)
  process.exitCode = mood.exit
  note({ exitCode: mood.exit })
} else {
  const [path, body] =
    COMMAND === 'CREATE'
      ? ['/set-txt', { host: FQDN, value: mood.value ?? TOKEN }]
      : ['/clear-txt', { host: FQDN }]
  const call = request(new URL(path, url), { method: 'POST' }, (response) => {
    response.resume()
    response.on('end', () => {
      if (mood.hang === 'after') return hang()
      process.exitCode = response.statusCode === 200 ? 0 : 1
      note({ exitCode: process.exitCode })
    })
  })
  call.on('error', (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 1
    note({ exitCode: 1 })
  })
  call.end(JSON.stringify(body))
}
