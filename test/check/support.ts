import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { runTestFile, type FileResult } from '../../tools/check/run-file.ts'

/** A folder of its own with the files given, removed with `await using`. */
export async function folderWith(files: Readonly<Record<string, string>>) {
  const path = await mkdtemp(join(tmpdir(), 'certloom-check-test-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await writeFile(join(path, name), text)
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) }
}

/** Runs a test file with this text, as the test runner would. */
export async function runText(
  text: string,
  { limitMs = 30_000, signal = new AbortController().signal, env = process.env } = {},
): Promise<FileResult> {
  const imports =
    "import { test, describe, it, before } from 'node:test'\nimport assert from 'node:assert/strict'\n"
  await using folder = await folderWith({ 'a.test.mjs': text === '' ? '' : imports + text })
  return await runTestFile({ root: folder.path, file: 'a.test.mjs', env, limitMs, signal })
}
