import { stringify } from 'yaml'
import { isZenhookError, messageOf, ZenhookError } from '../core/errors/index.ts'
import type { ProblemDetail } from '../core/errors/problem.ts'

export const formats = ['table', 'wide', 'json', 'yaml'] as const
export type Format = (typeof formats)[number]

/** Where a command writes: answers to `out`, progress and errors to `err`. */
export interface Streams {
  out(text: string): void
  err(text: string): void
  /** Whether progress may be drawn. */
  tty: boolean
  color: boolean
}

export const processStreams = (env: NodeJS.ProcessEnv, color: boolean): Streams => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  tty: process.stderr.isTTY === true,
  color: color && process.stdout.isTTY === true && env.NO_COLOR === undefined,
})

export interface Column<R> {
  title: string
  value: (row: R) => unknown
  /** Only with `-o wide`. */
  wide?: boolean
}

// A terminal must not obey what a provider sent: control characters are shown, not run.
const printable = (value: unknown): string =>
  String(value ?? '').replaceAll(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

export const table = <R>(rows: readonly R[], columns: readonly Column<R>[]): string => {
  const cells = [
    columns.map((column) => column.title.toUpperCase()),
    ...rows.map((row) => columns.map((column) => printable(column.value(row)))),
  ]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)))
  return cells
    .map((line) =>
      line
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('')
}

/** A list of objects in the format asked for. */
export const listing = <R>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  format: Format,
): string => {
  if (format === 'json') return `${JSON.stringify(rows, null, 2)}\n`
  if (format === 'yaml') return stringify(rows)
  return table(
    rows,
    columns.filter((column) => format === 'wide' || column.wide !== true),
  )
}

/** One object: JSON or YAML as it is, else the lines that `describe` gives. */
export const single = <O>(object: O, describe: (object: O) => string, format: Format): string => {
  if (format === 'json') return `${JSON.stringify(object, null, 2)}\n`
  if (format === 'yaml') return stringify(object)
  return describe(object)
}

/** The deepest reason of an error that its own message does not tell already. */
export const reasonOf = (error: Error): string | undefined => {
  let deepest: unknown = error
  for (let depth = 0; depth < 8; depth += 1) {
    const cause = deepest instanceof Error ? deepest.cause : undefined
    if (cause === undefined) break
    deepest = cause
  }
  const reason = messageOf(deepest)
  return deepest === error || reason === '' || error.message.includes(reason) ? undefined : reason
}

/** The single places of an error that has several. */
const errorsOf = ({ details }: ZenhookError): readonly ProblemDetail[] =>
  Array.isArray(details.errors) ? (details.errors as ProblemDetail[]) : []

/** What went wrong, in full sentences: what, why, what to do, where it is documented. */
export const describeError = (error: unknown): string => {
  if (!isZenhookError(error)) return `error: ${messageOf(error)}\n`
  const reason = reasonOf(error)
  const why = reason === undefined ? '' : `  why: ${printable(reason)}\n`
  const places = errorsOf(error).map(({ pointer = '', detail }) =>
    printable(`${pointer} ${detail}`.trim()),
  )
  return [
    `error: ${printable(error.message)}\n`,
    ...places.map((place) => `  ${place}\n`),
    why,
    `  do:  ${printable(error.fix)}\n`,
    `  see: docs/reference/errors.md#${error.code.toLowerCase()} (${error.code})\n`,
  ].join('')
}

export const usage = (message: string, fix?: string): ZenhookError =>
  new ZenhookError('ZENHOOK_CLI_USAGE', { message, ...(fix === undefined ? {} : { fix }) })

/** Progress on standard error, drawn only on a terminal; `done` ends its line. */
export const progress = (streams: Streams, quiet: boolean) => ({
  update: (text: string): void => {
    if (streams.tty && !quiet) streams.err(`\r\u001b[2K${text}`)
  },
  done: (): void => {
    if (streams.tty && !quiet) streams.err('\r\u001b[2K')
  },
})
