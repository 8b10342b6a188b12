import { catalog, type ErrorCode } from './catalog.ts'

/** One place of a request and what is wrong with it. */
export interface ProblemDetail {
  pointer?: string
  detail: string
}

export interface ProblemOptions {
  status: number
  /** What happened, more exact than the catalogue's summary. */
  detail: string
  requestId: string
  fix?: string
  errors?: readonly ProblemDetail[]
}

/** The page that explains a code: `docs/problems/<code>.md`; the admin listener serves it. */
export const problemType = (code: ErrorCode): string => `/docs/problems/${code.toLowerCase()}`

/** The document of an error (RFC 9457), as both listeners answer it. */
export const problemDocument = (
  code: ErrorCode,
  { status, detail, requestId, fix, errors = [] }: ProblemOptions,
): string =>
  JSON.stringify({
    type: problemType(code),
    title: catalog[code].summary,
    status,
    detail,
    code,
    ...(fix === undefined ? {} : { fix }),
    request_id: requestId,
    ...(errors.length === 0 ? {} : { errors }),
  })

/** The page itself, in Markdown. */
export const problemPage = (code: ErrorCode): string => {
  const { summary, fix } = catalog[code]
  return `# ${summary}\n\nCode: \`${code}\`.\n\n**What to do.** ${fix}.\n`
}

/** The code whose page has this name; `undefined` where there is none. */
export const codeOfPage = (name: string): ErrorCode | undefined => {
  const code = name.replace(/\.md$/, '').toUpperCase()
  return Object.hasOwn(catalog, code) ? (code as ErrorCode) : undefined
}
