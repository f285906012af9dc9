import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { bundleWorkflowCode } from '@temporalio/worker'
import ts from 'typescript'
import { parse, root, sourceFiles } from './source.ts'

/** Of our code, which is small, and of the SDK's, which is most of it. Every cached workflow pays for it. */
const mostBytes = 1_000_000

let code = ''
let modules: string[] = []

before(async () => {
  const silent = () => undefined
  const logger = {
    log: silent,
    trace: silent,
    debug: silent,
    info: silent,
    warn: console.warn,
    error: console.error,
  }
  const bundle = await bundleWorkflowCode({ workflowsPath: join(root, 'workflows/index.ts'), logger })
  const [script = '', map = ''] = bundle.code.split(/\n\/\/# sourceMappingURL=data:[^,]*,/)
  code = script
  const { sources } = JSON.parse(Buffer.from(map, 'base64').toString()) as { sources: string[] }
  modules = sources
})

test('the workflows bundle, and the bundle knows where each part comes from', () => {
  assert.ok(
    modules.some((name) => name.endsWith('workflows/certificate.ts')),
    modules.join('\n'),
  )
  console.log(`workflow bundle: ${Math.round(code.length / 1024)} KiB of code from ${modules.length} modules`)
})

test('the bundle holds our workflow code and the SDK: no zod, no Node built-in, no other library', () => {
  // Besides the SDK: what the SDK's workflow package itself depends on.
  const sdk = ['@temporalio/', 'nexus-rpc/', 'long/', 'ms/'].map((name) => join(root, 'node_modules', name))
  const known = [join(root, 'workflows/'), ...sdk, 'webpack/']
  const foreign = modules
    // Places where a program may put in converters of its own, left empty: 'ignored|<folder>|<name>'.
    .map((name) => name.replace(/^ignored\|/, ''))
    .filter((name) => !known.some((start) => name.startsWith(start)))
  assert.deepEqual(foreign, [])
})

test(`the code of the bundle is smaller than ${mostBytes / 1e6} MB`, () => {
  assert.ok(code.length > 10_000 && code.length < mostBytes, `${code.length} bytes`)
})

test('no module of workflow code has a variable: all workflows of a worker share one copy of each', () => {
  const stateful = sourceFiles(['workflows']).filter((file) =>
    parse(file).statements.some(
      (statement) =>
        ts.isVariableStatement(statement) && (statement.declarationList.flags & ts.NodeFlags.Const) === 0,
    ),
  )
  assert.deepEqual(stateful, [])
})
