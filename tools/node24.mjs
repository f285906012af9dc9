// Runs one of our TypeScript programs on Node 24, whatever Node started npm: installs the locked packages first
// where they are missing or out of date, then hands over to the `node` binary that one of them carries. Plain
// JavaScript without dependencies, because nothing is installed yet when it starts.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '..', '..')
const [script, ...args] = process.argv.slice(2)
if (!script) {
  process.stderr.write('usage: node tools/node24.mjs <program> [arguments]\n')
  process.exit(2)
}

installPackages()
const child = spawn(findNode(), [join(root, script), ...args], {
  stdio: 'inherit',
  // By its number the program notices that we are gone, which is all that kill -9 leaves to notice.
  env: { ...process.env, CERTLOOM_ROOT: root, CERTLOOM_LAUNCHER: String(process.pid) },
})
// The terminal sends Ctrl-C to the whole group: the child decides when to go, we only wait for it. Without a terminal
// the signal came to us alone.
process.on('SIGINT', () => isatty(0) || child.kill('SIGINT'))
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
if (process.env.npm_lifecycle_event) endWithNpm()

/** Ends the program when npm is gone: it cannot tell us after kill -9, and its shell would go on without it. */
function endWithNpm() {
  const parent = process.ppid
  const shell = /^(ba|da|z)?sh$/.test(procText(parent, 'comm').trim())
  const npm = shell ? parentOf(parent) : undefined
  const timer = setInterval(() => {
    if (process.ppid === parent && (!npm || parentOf(parent) === npm)) return
    clearInterval(timer)
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 20_000).unref()
  }, 500)
  timer.unref()
}

function parentOf(pid) {
  // The name in parentheses may hold spaces; the parent is the second field after it.
  return procText(pid, 'stat').split(') ').pop().split(' ')[1]
}

function procText(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return '' // Not Linux, or gone.
  }
}

function installPackages() {
  const lock = join(root, 'package-lock.json')
  const digest = createHash('sha256').update(readFileSync(lock)).digest('hex')
  const stamp = join(root, 'node_modules', '.certloom-lock')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest) return
  process.stderr.write('certloom: installing the locked npm packages (once, about a minute)\n')
  // --ignore-scripts: nothing that we depend on needs an install script, so none gets to run.
  const done = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  })
  if (done.error || done.status !== 0) {
    const why = done.error ? done.error.message : `exit code ${done.status}`
    process.stderr.write(
      `certloom: npm ci failed (${why}); check the network or the registry in .npmrc, then run it again\n`,
    )
    process.exit(1)
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  writeFileSync(stamp, digest)
}

function findNode() {
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath
  const carried = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  if (existsSync(carried)) return carried
  process.stderr.write(
    `certloom: needs Node 24 or newer; this is ${process.version} and no node-${process.platform}-${process.arch} package is in the lock file. Install Node 24 and run the command again\n`,
  )
  process.exit(1)
}
