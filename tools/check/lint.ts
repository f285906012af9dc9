import { parseArgs } from 'node:util'
import { fix, runChecks } from './checks.ts'
import { interruption } from './interruption.ts'
import { projectRoot } from './root.ts'
import { say } from './print.ts'

const help = `Checks format, lint, types and generated files, side by side.

usage: npm run lint -- [--fix]

  --fix    first let the linter and the formatter change what they can
  --help   show this text
`

const { values } = parseArgs({ options: { fix: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
if (values.help) process.stdout.write(help)
else {
  const signal = interruption()
  if (values.fix) await fix(projectRoot, signal)
  const { failed } = await runChecks(projectRoot, signal)
  say(failed.length === 0 ? '\nall checks passed' : `\n${failed.length} failed`)
  process.exitCode = failed.length === 0 ? 0 : 1
}
