import { randomFillSync } from 'node:crypto'

/** W3C Trace Context, version 00. */
export interface Traceparent {
  traceId: string
  spanId: string
  flags: string
}

const pattern = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/

export const parseTraceparent = (header: string | undefined): Traceparent | undefined => {
  const [, traceId, spanId, flags] = pattern.exec(header ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, flags }
}

// One call for many ids: each would cost more than all the rest of a hop's trace.
const pool = Buffer.alloc(4_096)
let used = pool.length

const randomHex = (bytes: number): string => {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += bytes
  return pool.toString('hex', used - bytes, used)
}

const format = (traceId: string, flags: string): string => `00-${traceId}-${randomHex(8)}-${flags}`

export const newTraceparent = (): string => format(randomHex(16), '01')

/** The same trace, a new span: what one hop hands to the next. A broken header starts a new trace. */
export const childTraceparent = (header: string | undefined): string => {
  const parent = parseTraceparent(header)
  return parent === undefined ? newTraceparent() : format(parent.traceId, parent.flags)
}
