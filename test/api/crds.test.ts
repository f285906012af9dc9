import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { crdFiles } from '../../k8s-bridge/api/crd.ts'
import { committedTable, fieldsOf, generatedCrds, tableOf } from './crd-table.ts'

const root = join(import.meta.dirname, '../..')

function generate(...args: string[]) {
  return spawnSync(process.execPath, [join(root, 'k8s-bridge/api/generate.ts'), ...args], {
    cwd: root,
    encoding: 'utf8',
  })
}

test('the committed CRDs are those that the schemas generate', async () => {
  const folder = join(root, 'deploy/crds')
  const committed = new Map<string, string>()
  for (const name of (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort()) {
    committed.set(name, await readFile(join(folder, name), 'utf8'))
  }
  const wanted = crdFiles()
  assert.deepEqual([...committed.keys()], [...wanted.keys()].sort())
  for (const [name, content] of wanted) {
    assert.ok(committed.get(name) === content, `deploy/crds/${name} differs: run "npm run generate"`)
  }
})

test('every field and rule of the CRDs is the one in the committed table', () => {
  const have = tableOf(generatedCrds())
  const want = committedTable()
  const haveSet = new Set(have)
  const wantSet = new Set(want)
  const difference = [
    ...want.filter((line) => !haveSet.has(line)).map((line) => `- ${line}`),
    ...have.filter((line) => !wantSet.has(line)).map((line) => `+ ${line}`),
  ].sort((a, b) => (a.slice(2) < b.slice(2) ? -1 : 1))
  assert.ok(
    difference.length === 0,
    `the API differs from test/api/crd-fields.tsv (- table, + schemas):\n${difference.join('\n')}`,
  )
  assert.equal(have.length, want.length)
})

test('the CRDs write no default into stored objects but those that cert-manager has', () => {
  const solvers = [
    ['Issuer', '.spec.acme.solvers[]'],
    ['ClusterIssuer', '.spec.acme.solvers[]'],
    ['Challenge', '.spec.solver'],
  ]
  const defaults: [string, string][] = [
    ['.gatewayHTTPRoute.parentRefs[].group', 'gateway.networking.k8s.io'],
    ['.gatewayHTTPRoute.parentRefs[].kind', 'Gateway'],
    ['.gatewayHTTPRoute.podTemplate.spec.imagePullSecrets[].name', ''],
    ['.ingress.podTemplate.spec.imagePullSecrets[].name', ''],
  ]
  const expected = solvers.flatMap(([kind, path]) =>
    defaults.map(([field, value]) => `${kind} ${path}.http01${field} = ${JSON.stringify(value)}`),
  )
  const actual = generatedCrds()
    .flatMap(fieldsOf)
    .filter(({ schema }) => 'default' in schema)
    .map(({ kind, path, schema }) => `${kind} ${path} = ${JSON.stringify(schema.default)}`)
  assert.deepEqual(actual.sort(), expected.sort())
})

test('kubectl explain has a sentence for every field', () => {
  const silent = generatedCrds()
    .flatMap(fieldsOf)
    // The API server allows no words on metadata; items of plain lists and values of maps are told by their parent.
    .filter(
      ({ path, schema }) => path !== '.metadata' && !(/(\[\]|\{\})$/.test(path) && schema.type !== 'object'),
    )
    .filter(
      ({ schema }) => !/^[^ ].*[.)]$/s.test(typeof schema.description === 'string' ? schema.description : ''),
    )
    .map(({ kind, path }) => `${kind}${path}`)
  assert.deepEqual(silent, [])
})

test('tools that select cert-manager by labels find the CRDs and their version', () => {
  for (const crd of generatedCrds()) {
    assert.equal(crd.metadata.labels.app, 'cert-manager')
    assert.equal(crd.metadata.labels['app.kubernetes.io/name'], 'cert-manager')
    assert.equal(crd.metadata.labels['app.kubernetes.io/instance'], 'cert-manager')
    assert.equal(crd.metadata.labels['app.kubernetes.io/component'], 'crds')
    assert.match(crd.metadata.labels['app.kubernetes.io/version'] ?? '', /^v1\.21\.\d+$/)
  }
})

test('the generated YAML reads back as the CRD, without anchors', () => {
  const files = crdFiles()
  for (const crd of generatedCrds()) {
    const text = files.get(`${crd.metadata.name}.yaml`) ?? ''
    assert.deepEqual(parse(text), JSON.parse(JSON.stringify(crd)))
    assert.doesNotMatch(text, /[:-] [&*]\w/)
  }
})

test('--check names every file that drifts and mends nothing; generating does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'crds-'))
  try {
    assert.equal(generate('--out', folder).status, 0)
    assert.equal(generate('--out', folder, '--check').status, 0)

    const changed = join(folder, 'issuers.cert-manager.io.yaml')
    await writeFile(changed, 'kind: Nonsense\n')
    await rm(join(folder, 'orders.acme.cert-manager.io.yaml'))
    await writeFile(join(folder, 'strangers.cert-manager.io.yaml'), '{}\n')
    const check = generate('--out', folder, '--check')
    assert.equal(check.status, 1)
    const named = check.stderr.split('\n').flatMap((line) => /([a-z.-]+)\.yaml differs/.exec(line)?.[1] ?? [])
    assert.deepEqual(named, [
      'issuers.cert-manager.io',
      'orders.acme.cert-manager.io',
      'strangers.cert-manager.io',
    ])
    assert.equal(await readFile(changed, 'utf8'), 'kind: Nonsense\n')

    assert.equal(generate('--out', folder).status, 0)
    assert.equal(generate('--out', folder, '--check').status, 0)
    assert.equal((await readdir(folder)).length, 6)
  } finally {
    await rm(folder, { recursive: true })
  }
})
