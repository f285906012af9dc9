import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsPage } from '../../tools/docs/settings-page.ts'
import { describedSettings, describeSettings, readConfiguration } from '../../workers/configuration.ts'
import { readSource } from './source.ts'

test('docs/settings.md is what the processes read', () => {
  assert.equal(readSource('docs/settings.md'), settingsPage(), 'run "npm run docs"')
})

test('every setting is described, and its default is one that the processes take', () => {
  for (const { name, meaning, preset } of describedSettings()) {
    assert.match(meaning, /\.$/, name)
    assert.deepEqual(
      readConfiguration(preset === undefined ? {} : { [name]: preset }),
      readConfiguration({}),
      name,
    )
  }
})

test('--help shows the defaults', () => {
  assert.match(describeSettings(), /^ {2}CERTLOOM_PLUGIN_DIRECTORY .* Default: \/$/m)
  assert.match(describeSettings(), /^ {2}CERTLOOM_AUDIT_INTERVAL_MS .* Default: 600000$/m)
})
