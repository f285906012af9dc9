import tseslint from 'typescript-eslint'

const nodeBuiltIns = {
  group: ['node:*', 'fs', 'path', 'crypto', 'os', 'net', 'http', 'https', 'child_process', 'stream', 'zlib'],
  message: 'Workflow code is deterministic and runs in a sandbox: Node built-ins belong in activities.',
}
const zod = {
  group: ['zod', 'zod/*'],
  message: 'zod costs 0.6 MB of heap per cached workflow: validate in the bridge or in activities.',
}

export default tseslint.config(
  { ignores: ['node_modules/**', 'test/replay/histories/**', '**/*.mjs', '**/*.cjs', 'eslint.config.js'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['test', 'it', 'describe', 'suite'], package: 'node:test' },
          ],
        },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns: [nodeBuiltIns, zod] }] },
  },
  {
    files: ['test/**/*.ts'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
)
