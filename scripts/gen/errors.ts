import { catalog, type ErrorCode } from '../../core/errors/index.ts'
import { problemPage } from '../../core/errors/problem.ts'
import { heading } from './page.ts'

const codes = (Object.keys(catalog) as ErrorCode[]).sort()

const entry = (code: ErrorCode): string => {
  const { summary, fix } = catalog[code]
  return `## ${code}\n\n${summary}.\n\n**What to do.** ${fix}.\n`
}

export const errorsPage = (): string =>
  [heading('Errors', 'Every error that Zenhook can raise, by its code.'), ...codes.map(entry)].join(
    '\n',
  )

/** One page per code: what `type` of a problem document names. */
export const problemPages = (): readonly [string, string][] =>
  codes.map((code) => [`docs/problems/${code.toLowerCase()}.md`, problemPage(code)])
