// Runs the children of one owner process and kills them all when the owner is gone, however it died: the owner holds
// the other end of our standard input, and the kernel closes it even after kill -9. Plain JavaScript, to stay small.
// Input, one JSON object per line: {id, op: 'start', command, args, env, cwd, log} or {id, op: 'signal', pid, signal}.
// Output, the same way: {id, pid} or {id, error}, and {exited: pid, code, signal} when a child ends.
import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'

const running = new Set()

// The owner decides when to go: Ctrl-C and a closed terminal are its business.
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => {})
process.on('SIGTERM', end)
process.stdout.on('error', end)
process.stdin.on('end', end)
process.stdin.on('error', end)

let rest = ''
process.stdin.setEncoding('utf8')
process.stdin.on('data', (text) => {
  const lines = (rest + text).split('\n')
  rest = lines.pop()
  for (const line of lines) answer(JSON.parse(line))
})

function answer(request) {
  try {
    if (request.op === 'start') start(request)
    else {
      if (running.has(request.pid)) signalGroup(request.pid, request.signal)
      say({ id: request.id, pid: request.pid })
    }
  } catch (error) {
    say({ id: request.id, error: error.message })
  }
}

function start({ id, command, args, env, cwd, log }) {
  const file = openSync(log, 'a', 0o600)
  // detached: a process group of its own, so that a signal reaches a child's children too.
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', file, file] })
  closeSync(file)
  child.on('error', (error) => {
    if (child.pid === undefined) say({ id, error: error.message })
  })
  if (child.pid === undefined) return
  const { pid } = child
  running.add(pid)
  child.on('exit', (code, signal) => {
    running.delete(pid)
    signalGroup(pid, 'SIGKILL')
    say({ exited: pid, code, signal })
  })
  say({ id, pid })
}

function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function say(message) {
  process.stdout.write(JSON.stringify(message) + '\n')
}

function end() {
  for (const pid of running) signalGroup(pid, 'SIGKILL')
  process.exit(0)
}
