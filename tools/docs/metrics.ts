/** Writes the tables of docs/metrics.md anew from what the processes serve. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { metricsPage } from './metrics-page.ts'

const file = join(import.meta.dirname, '../../docs/metrics.md')
await writeFile(file, metricsPage(await readFile(file, 'utf8')))
console.log('docs/metrics.md written')
