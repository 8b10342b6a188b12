import { z } from 'zod'
import { durationFault, durationPattern, parseDuration } from '../../core/config/units.ts'

export type TimeUnit = 's' | 'ms' | 'rfc3339'

const whole = /^(?:0|[1-9]\d{0,14})$/
const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2})$/

/** A signed time as milliseconds. Strict: no sign, space, fraction or leading zero moves bytes between fields. */
export const parseTime = (text: string, unit: TimeUnit): number | undefined => {
  if (unit === 'rfc3339') {
    const at = rfc3339.test(text) ? Date.parse(text) : Number.NaN
    return Number.isNaN(at) ? undefined : at
  }
  if (!whole.test(text)) return undefined
  return unit === 's' ? Number(text) * 1_000 : Number(text)
}

export const formatTime = (at: number, unit: TimeUnit): string => {
  if (unit === 's') return String(Math.floor(at / 1_000))
  return unit === 'ms' ? String(at) : new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Past and future alike: a clock may be wrong either way. */
export const within = (at: number, now: number, toleranceMs: number): boolean =>
  Math.abs(now - at) <= toleranceMs

/** `250ms | 5s | 10m | 24h | 7d`, in milliseconds. */
export const duration = z
  .string({ error: durationFault })
  .regex(durationPattern, durationFault)
  .transform((text, context) => {
    const ms = parseDuration(text) ?? 0
    if (ms === 0) context.addIssue({ code: 'custom', message: 'must be longer than nothing' })
    return ms
  })
