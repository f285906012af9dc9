// Ten megabytes on stdout and on stderr, then failure.
import { writeSync } from 'node:fs'

const line = Buffer.from(`${'x'.repeat(1023)}\n`)
writeSync(2, 'flooded\n')
for (let count = 0; count < 10 * 1024; count++) for (const stream of [1, 2]) writeSync(stream, line)
process.exitCode = 1
