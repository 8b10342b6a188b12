import { nearest } from '../../config/nearest.ts'
import { type ErrorCode, isZenhookError, messageOf } from '../../errors/index.ts'
import { type DataPath, dataAt, type Located, type RawFault } from './document.ts'
import type { Components } from './schema.ts'

/** What one check collects, handed down through its parts. */
export interface Checking {
  readonly located: Located
  readonly components: Components
  /** Largest `maxBody` in bytes. */
  readonly largestBody: number
  fault(fault: RawFault): void
  warn(fault: RawFault): void
}

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const badType = (
  { located, fault }: Pick<Checking, 'located' | 'fault'>,
  path: DataPath,
  wanted: string,
): void =>
  fault({
    offset: located.valueAt(path),
    code: 'ZENHOOK_CONFIG_BAD_TYPE',
    message: `'${String(path.at(-1) ?? 'the file')}' must be ${wanted}`,
  })

/** The offset that an error of an expression or a path names in its own source. */
export const offsetIn = (error: unknown): number => {
  const offset = isZenhookError(error) ? error.details.offset : undefined
  return typeof offset === 'number' ? offset : 0
}

export const unknownName = (
  { located, fault }: Checking,
  path: DataPath,
  code: ErrorCode,
  what: string,
  known: readonly string[],
): void => {
  const name = String(dataAt(located.data, path))
  const meant = nearest(name, known)
  const hint = meant === undefined ? '' : `; did you mean '${meant}'?`
  fault({ offset: located.valueAt(path), code, message: `there is no ${what} '${name}'${hint}` })
}

/** Checks a text by compiling it; the fault stands where the compiler saw it. */
export const checkText = (
  { located, fault }: Checking,
  path: DataPath,
  code: ErrorCode,
  compile: (text: string) => unknown,
): void => {
  const text = dataAt(located.data, path)
  if (typeof text !== 'string') return
  try {
    compile(text)
  } catch (error) {
    fault({ offset: located.within(path, offsetIn(error)), code, message: messageOf(error) })
  }
}
