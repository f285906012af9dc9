import type { FailureEntry } from './failures.ts'

/** What the exec plugins of DNS-01 solvers can come to: a part of the closed list. */
export const pluginFailures = {
  PluginMissing: {
    kind: 'blocked',
    acts: 'cluster operator',
    meaning: 'The exec plugin is not in the plugin directory.',
    remedy:
      'Install the plugin under that name in the plugin directory of the workers, or correct the name in the solver.',
  },
  PluginNotExecutable: {
    kind: 'blocked',
    acts: 'cluster operator',
    meaning: 'The exec plugin cannot be executed.',
    remedy: 'Make the plugin a regular file with execute permission (chmod 0755), written only by its owner.',
  },
  PluginFailed: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The exec plugin failed.',
    remedy: 'Mend what the message of the plugin names; it is run again by itself.',
  },
  PluginConfigInvalid: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The exec plugin refused its configuration (exit code 2).',
    remedy: 'Correct the content of the Secret that the solver names in config.secretRef.',
  },
  PluginVersionUnsupported: {
    kind: 'blocked',
    acts: 'cluster operator',
    meaning: 'The exec plugin does not support API version v1 (exit code 3).',
    remedy: 'Install a version of the plugin that supports APIVERSION=v1.',
  },
  PluginTimedOut: {
    kind: 'blocked',
    acts: 'issuer owner',
    meaning: 'The exec plugin did not end in time and was killed.',
    remedy: 'Find out why the plugin hangs, or raise config.timeoutSeconds of the solver.',
  },
} as const satisfies Record<string, FailureEntry>
