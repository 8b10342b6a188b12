import { catalog } from '../../core/errors/index.ts'
import { heading } from './page.ts'

const entries = Object.entries(catalog).sort(([a], [b]) => (a < b ? -1 : 1))

const entry = (code: string, summary: string, fix: string): string =>
  `## ${code}\n\n${summary}.\n\n**What to do.** ${fix}.\n`

export const errorsPage = (): string =>
  [
    heading('Errors', 'Every error that Zenhook can raise, by its code.'),
    ...entries.map(([code, { summary, fix }]) => entry(code, summary, fix)),
  ].join('\n')

/** One page per problem that the two listeners answer: what `type` of a problem document names. */
export const problemPages = (): readonly [string, string][] =>
  entries
    .filter(([code]) => /^ZENHOOK_(INGRESS|API)_/.test(code))
    .map(([code, { summary, fix }]) => [
      `docs/problems/${code.toLowerCase()}.md`,
      `# ${summary}\n\nCode: \`${code}\`.\n\n**What to do.** ${fix}.\n`,
    ])
