import { catalog, type ErrorCode } from './catalog.ts'

export { catalog, type ErrorCode } from './catalog.ts'

/** Where a failure happened; the phase decides what is done about it (design: failure phase decides). */
export type Phase = 'config' | 'ingress' | 'stage' | 'attempt' | 'engine' | 'cli'

export interface ErrorOptions {
  /** What happened, with the names involved; never a secret, never a digest. */
  message?: string
  /** Overrides the catalogue's advice with something more exact. */
  fix?: string
  /** Only errors that say so are retried: nothing is retriable by default. */
  retriable?: boolean
  /** A provider's or engine's wish for when to try again, in milliseconds. */
  retryAfterMs?: number
  details?: Readonly<Record<string, unknown>>
  cause?: unknown
}

/** The one error class of Zenhook: a code of the catalogue, what happened, and what to do. */
export class ZenhookError extends Error {
  override readonly name = 'ZenhookError'
  readonly code: ErrorCode
  readonly fix: string
  readonly retriable: boolean
  readonly retryAfterMs: number | undefined
  readonly details: Readonly<Record<string, unknown>>

  constructor(code: ErrorCode, options: ErrorOptions = {}) {
    const entry = catalog[code]
    super(options.message ?? entry.summary, { cause: options.cause })
    this.code = code
    this.fix = options.fix ?? entry.fix
    this.retriable = options.retriable ?? false
    this.retryAfterMs = options.retryAfterMs
    this.details = options.details ?? {}
  }
}

export const isZenhookError = (error: unknown): error is ZenhookError =>
  error instanceof ZenhookError

/** Whether it is one of ours, and this one. */
export const hasCode = (error: unknown, code: ErrorCode): error is ZenhookError =>
  isZenhookError(error) && error.code === code

/** The code of what the system refused (`ENOENT`), as Node.js tells it; empty where there is none. */
export const systemCodeOf = (error: unknown): string => {
  const code: unknown =
    typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined
  return typeof code === 'string' ? code : ''
}

/** The message of anything that was thrown. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
