import { randomUUID } from 'node:crypto'
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'

// Older kernels read 128 bytes of the first line, and none knows quoting (execve(2)).
const MAX_INTERPRETER_LENGTH = 120

/**
 * Installs an exec plugin as `<directory>/<name>`, mode 0755, and returns that path. An `.mjs` source becomes
 * `<name>.mjs` beside a launcher that starts it with the Node that runs this: plugins have no search path to find one.
 * Anything else is copied as it is. A plugin that is running meanwhile keeps its old file.
 */
export async function installPlugin(source: string, directory: string, name: string): Promise<string> {
  await mkdir(directory, { recursive: true })
  const target = join(directory, name)
  if (extname(source) !== '.mjs') {
    await replace(target, 0o755, (path) => copyFile(source, path))
    return target
  }
  await replace(`${target}.mjs`, 0o644, (path) => copyFile(source, path))
  await replace(target, 0o755, (path) =>
    writeFile(path, launcher(process.execPath, `${target}.mjs`, `./${name}.mjs`)),
  )
  return target
}

function launcher(node: string, script: string, relativeScript: string): string {
  if (node.length <= MAX_INTERPRETER_LENGTH && !/\s/.test(node)) {
    // A dynamic import, since a file without extension may be taken for CommonJS.
    return `#!${node}\nimport(${JSON.stringify(relativeScript)})\n`
  }
  return `#!/bin/sh\nexec ${quoted(node)} ${quoted(script)}\n`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

async function replace(target: string, mode: number, write: (path: string) => Promise<void>): Promise<void> {
  const fresh = `${target}.${randomUUID()}`
  try {
    await write(fresh)
    await chmod(fresh, mode)
    await rename(fresh, target)
  } catch (error) {
    await rm(fresh, { force: true })
    throw error
  }
}
