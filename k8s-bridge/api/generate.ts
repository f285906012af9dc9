/**
 * Writes deploy/crds (or the folder after --out) from the schemas; no other YAML stays there. With --check it changes
 * nothing, names the files that differ and exits 1.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { crdFiles } from './crd.ts'

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, '../../deploy/crds') },
  },
})
const folder = values.out
const shown = (name: string) => relative(process.cwd(), join(folder, name))
const wanted = crdFiles()
const drifted = await differences()

if (values.check) {
  for (const name of drifted) console.error(`${shown(name)} differs from the schemas: run "npm run generate"`)
  if (drifted.length > 0) process.exitCode = 1
} else {
  await mkdir(folder, { recursive: true })
  for (const name of drifted) {
    const content = wanted.get(name)
    if (content === undefined) await rm(join(folder, name))
    else await writeFile(join(folder, name), content)
    console.log(`${shown(name)} ${content === undefined ? 'removed' : 'written'}`)
  }
  if (drifted.length === 0) console.log('the CRDs are up to date')
}

async function differences(): Promise<string[]> {
  const names = new Set([...wanted.keys(), ...(await present())])
  const differing: string[] = []
  for (const name of [...names].sort()) {
    const content = await readFile(join(folder, name), 'utf8').catch(ifMissing)
    if (content !== wanted.get(name)) differing.push(name)
  }
  return differing
}

async function present(): Promise<string[]> {
  const names = await readdir(folder).catch(ifMissing)
  return names?.filter((name) => name.endsWith('.yaml')) ?? []
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
