/**
 * Writes docs/errors.md (or the file after --out) from the closed list of failures. With --check it changes nothing,
 * names the file if it differs and exits 1.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { parseArgs } from 'node:util'
import { errorsPage } from './errors-page.ts'

const { values } = parseArgs({
  options: {
    check: { type: 'boolean', default: false },
    out: { type: 'string', default: join(import.meta.dirname, '../../docs/errors.md') },
  },
})
const shown = relative(process.cwd(), values.out)
const wanted = errorsPage()

if (values.check) {
  const present = await readFile(values.out, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (present !== wanted) {
    console.error(
      `${shown} differs from workflows/domain/failures.ts: run "node tools/node24.mjs tools/docs/errors.ts"`,
    )
    process.exitCode = 1
  }
} else {
  await mkdir(dirname(values.out), { recursive: true })
  await writeFile(values.out, wanted)
  console.log(`${shown} written`)
}
