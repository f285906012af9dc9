import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** A folder of its own for one test, removed with `await using`. */
export async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), 'certloom-servers-test-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** An executable that prints a text, whatever it is asked. */
export async function fakeProgram(file: string, text: string): Promise<void> {
  await writeFile(file, `#!/bin/sh\necho '${text}'\n`)
  await chmod(file, 0o755)
}

/** Waits until something is true; fails with its description after the given time. */
export async function until(
  what: string,
  fact: () => boolean | Promise<boolean>,
  withinMs = 15_000,
): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!(await fact())) {
    if (Date.now() > deadline) throw new Error(`not true within ${withinMs} ms: ${what}`)
    await delay(20)
  }
}

export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
