import assert from 'node:assert/strict'
import { test } from 'node:test'
import ts from 'typescript'
import { importsOf, parse } from './source.ts'

const reason = /second run|twice|only reads|only looks/i

const indexFile = 'activities/index.ts'
const index = parse(indexFile)
// Two files may export the same word: only those that the index imports are activities.
const sources = importsOf(indexFile)
  .filter(({ local, typeOnly }) => local && !typeOnly)
  .map(({ to }) => parse(to))
const names = registered(index)

test('the activities are found in activities/index.ts', () => {
  assert.ok(names.length >= 10, `only ${names.join(', ')}`)
  assert.equal(new Set(names).size, names.length)
})

for (const name of names) {
  test(`${name} says in its doc comment why a second run is harmless`, () => {
    const declared = sources.flatMap((source) => functionsNamed(source, name))
    assert.equal(
      declared.length,
      1,
      `one exported function named ${name} among what ${indexFile} imports, as its activity is called`,
    )
    const [found] = declared
    assert.match(found?.doc ?? '', reason, `the doc comment of ${name} in ${found?.file}`)
  })
}

/** Names under which the functions `create…Activities` register their activities. */
function registered(source: ts.SourceFile): string[] {
  const found: string[] = []
  for (const statement of source.statements) {
    if (!ts.isFunctionDeclaration(statement) || !/^create\w*Activities$/.test(statement.name?.text ?? ''))
      continue
    for (const inner of statement.body?.statements ?? []) {
      if (!ts.isReturnStatement(inner) || !inner.expression) continue
      if (!ts.isObjectLiteralExpression(inner.expression)) continue
      for (const { name } of inner.expression.properties)
        if (name && ts.isIdentifier(name)) found.push(name.text)
    }
  }
  return found
}

function functionsNamed(source: ts.SourceFile, name: string): { file: string; doc: string }[] {
  return source.statements
    .filter(ts.isFunctionDeclaration)
    .filter((one) => one.name?.text === name && isExported(one))
    .map((one) => ({ file: source.fileName, doc: docOf(one) }))
}

function isExported(node: ts.FunctionDeclaration): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** The doc comment on one line. */
function docOf(node: ts.Node): string {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((one) => one.getText().replaceAll(/\s*\n\s*\*?\s*/g, ' '))
    .join(' ')
}
