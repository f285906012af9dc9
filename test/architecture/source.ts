import { globSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, resolve } from 'node:path'
import ts from 'typescript'

export const root = resolve(import.meta.dirname, '../..')

export const productFolders = ['workflows', 'activities', 'workers', 'k8s-bridge', 'cli'] as const

export interface Import {
  /** File that imports, below the root. */
  readonly from: string
  /** A file below the root, or the name of a module as it is written. */
  readonly to: string
  readonly local: boolean
  /** Gone at run time: `import type`, `export type`, `import('…').Type`. */
  readonly typeOnly: boolean
}

/** Our TypeScript files below some folders, sorted. */
export function sourceFiles(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
    .map((file) => file.replaceAll('\\', '/'))
    .sort()
}

export function readSource(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

export function parse(file: string, text = readSource(file)): ts.SourceFile {
  return ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
}

/** Everything that a file imports or re-exports, also by `import()`. */
export function importsOf(file: string, text?: string): Import[] {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    const local = specifier.text.startsWith('.')
    const to = local ? normalize(join(dirname(file), specifier.text)).replaceAll('\\', '/') : specifier.text
    found.push({ from: file, to, local, typeOnly })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword)
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(parse(file, text))
  return found
}

/** The npm package of a module name: '@scope/name/path' is '@scope/name'. */
export function packageOf(module: string): string {
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')
}
