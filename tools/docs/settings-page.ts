import { describedSettings } from '../../workers/configuration.ts'

/** The page of all settings, as docs/settings.md holds it. */
export function settingsPage(): string {
  const rows = describedSettings().map(({ name, meaning, preset }) => {
    return `| \`${name}\` | ${preset === undefined ? '' : `\`${preset}\``} | ${cell(meaning)} |`
  })
  return [
    '# Settings',
    '',
    '<!-- Generated from workers/configuration.ts by tools/docs/settings.ts. Do not edit. -->',
    '',
    'What `bridge`, `worker` and `all` read from their environment when they start; `npm run certloom -- all --help` shows',
    'the same. A value that cannot be used ends the process with a message that names it.',
    '',
    '| setting | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

function cell(text: string): string {
  return text.replaceAll('<', '&lt;').replaceAll('|', '\\|')
}
