// A DNS-01 exec plugin, complete and without dependencies: a template for your own.
//
// It speaks the management API of Pebble's challenge test server (and of certloom's local name servers), and like many
// providers it deletes by name: DELETE removes every TXT value at FQDN, not only TOKEN.
//
// Configuration, JSON on stdin:
//   url    base URL of the management API, for example http://127.0.0.1:8055
//   token  optional: sent as "Authorization: Bearer <token>"
//   log    optional: absolute path of a file; each call appends one JSON line to it
import { appendFileSync, readFileSync } from 'node:fs'

// What goes wrong ends the plugin with one line on stderr and an exit code of the contract.
class PluginError extends Error {
  constructor(exitCode, message) {
    super(message)
    this.exitCode = exitCode
  }
}
const FAILED = 1
const INVALID_CONFIGURATION = 2
const UNSUPPORTED_VERSION = 3

// The manager's environment is these five variables and nothing else: no PATH, no HOME, no proxy.
const { APIVERSION, COMMAND, DOMAIN, FQDN, TOKEN } = process.env
const startedAt = new Date().toISOString()

function readConfiguration() {
  let config
  try {
    // Descriptor 0, not /dev/stdin: the manager's end is a socket, which cannot be opened by a path.
    config = JSON.parse(readFileSync(0, 'utf8'))
  } catch {
    // The parser's own message would quote the configuration, and that is a secret.
    throw new PluginError(INVALID_CONFIGURATION, 'the configuration on stdin is not valid JSON')
  }
  if (typeof config !== 'object' || config === null || !URL.canParse(config.url)) {
    throw new PluginError(
      INVALID_CONFIGURATION,
      'the configuration needs "url", the base URL of the management API',
    )
  }
  for (const field of ['token', 'log']) {
    if (config[field] !== undefined && typeof config[field] !== 'string') {
      throw new PluginError(INVALID_CONFIGURATION, `"${field}" in the configuration is not a string`)
    }
  }
  return config
}

async function post({ url, token }, path, body) {
  const endpoint = `${url.replace(/\/+$/, '')}${path}`
  // The modules are loaded here: a plugin is a new process for every call, and only one of the two is needed.
  const { request } = await import(endpoint.startsWith('https:') ? 'node:https' : 'node:http')
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const status = await new Promise((resolve, reject) => {
    // Shorter than the manager's own limit (60 s), so that the error says what was waited for.
    const call = request(endpoint, { method: 'POST', headers, timeout: 10_000 }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
      response.on('error', reject)
    })
    call.on('timeout', () => call.destroy(new Error('no answer within 10 s')))
    call.on('error', reject)
    call.end(JSON.stringify(body))
  }).catch((error) => {
    throw new PluginError(FAILED, `${path}: ${error.message || error.code}`)
  })
  if (status < 200 || status > 299)
    throw new PluginError(FAILED, `${path}: the name server answered ${status}`)
}

// CREATE must be harmless when the record is there, DELETE when it is not: both may be called twice. CREATE returns as
// soon as the provider has accepted the record; whether DNS shows it is the manager's business.
async function run(config) {
  if (COMMAND === 'CREATE') await post(config, '/set-txt', { host: FQDN, value: TOKEN })
  else if (COMMAND === 'DELETE') await post(config, '/clear-txt', { host: FQDN })
  else throw new PluginError(FAILED, `unknown COMMAND "${COMMAND}"`)
}

function log(config, exitCode) {
  if (config?.log === undefined) return
  const call = {
    at: startedAt,
    endedAt: new Date().toISOString(),
    command: COMMAND,
    domain: DOMAIN,
    fqdn: FQDN,
    token: TOKEN,
  }
  // One write, so that the lines of two calls do not mix.
  appendFileSync(config.log, `${JSON.stringify({ ...call, exitCode })}\n`)
}

let config
try {
  if (APIVERSION !== 'v1')
    throw new PluginError(UNSUPPORTED_VERSION, `APIVERSION "${APIVERSION}" is not supported, only v1`)
  config = readConfiguration()
  await run(config)
} catch (error) {
  process.exitCode = error.exitCode ?? FAILED
  console.error(error.message)
}
try {
  log(config, process.exitCode ?? 0)
} catch (error) {
  process.exitCode = FAILED
  console.error(`cannot write the log: ${error.message}`)
}
