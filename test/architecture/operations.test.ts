import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchAttributes } from '../../workflows/search-attributes.ts'
import { readSource } from './source.ts'

const page = readSource('docs/operations.md')

test('docs/operations.md tells the type of every search attribute', () => {
  const types = [...page.matchAll(/^\| (`Cert\w+`(?:, `Cert\w+`)*) \| (\w+) \|/gm)].flatMap(
    ([, names = '', type = '']) => [...names.matchAll(/\w+/g)].map(([name]) => `${name} ${type}`),
  )
  // The type is called KEYWORD_LIST in the SDK and KeywordList on the command line.
  const registered = Object.values(searchAttributes).map(
    ({ name, type }) => `${name} ${type.toLowerCase().replaceAll('_', '')}`,
  )
  assert.deepEqual(
    types.map((one) => one.replace(/\w+$/, (type) => type.toLowerCase())).sort(),
    registered.sort(),
  )
})

test('every list and batch by phase asks for open runs: closed ones keep their last phase', () => {
  for (const file of ['README.md', 'docs/operations.md', 'tools/screenshots/album.ts']) {
    const queries = [...readSource(file).matchAll(/'([^'\n]*(?:CertPhase|CertIssuer)="[^'\n]*)'/g)]
    assert.ok(queries.length > 0, file)
    for (const [, query = ''] of queries)
      assert.match(query, /ExecutionStatus="Running"/, `${file}: ${query}`)
  }
})
