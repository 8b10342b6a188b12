const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const sizeUnits = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const

type DurationUnit = keyof typeof durationUnits
type SizeUnit = keyof typeof sizeUnits

export const durationPattern = /^(\d{1,9})(ms|s|m|h|d)$/
/** What is said of everything else. */
export const durationFault = 'must be a duration such as 250ms, 5s, 10m, 24h or 7d'
export const sizePattern = /^(\d{1,9})(B|KiB|MiB|GiB)$/

const isDurationUnit = (unit: string | undefined): unit is DurationUnit =>
  unit !== undefined && Object.hasOwn(durationUnits, unit)
const isSizeUnit = (unit: string | undefined): unit is SizeUnit =>
  unit !== undefined && Object.hasOwn(sizeUnits, unit)

/** `250ms | 5s | 10m | 24h | 7d` in milliseconds; `undefined` when it is none of these. */
export const parseDuration = (text: string): number | undefined => {
  const [, count, unit] = durationPattern.exec(text) ?? []
  return isDurationUnit(unit) ? Number(count) * durationUnits[unit] : undefined
}

/** `512B | 64KiB | 1MiB` in bytes; `undefined` when it is none of these. */
export const parseSize = (text: string): number | undefined => {
  const [, count, unit] = sizePattern.exec(text) ?? []
  return isSizeUnit(unit) ? Number(count) * sizeUnits[unit] : undefined
}

const inLargestUnit = (value: number, units: Readonly<Record<string, number>>): string => {
  const [smallest = ['', 1]] = Object.entries(units)
  const [unit, size] =
    Object.entries(units)
      .filter(([, size]) => value !== 0 && value % size === 0)
      .at(-1) ?? smallest
  return `${value / size}${unit}`
}

/** The shortest exact form that `parseDuration` reads back; whole milliseconds only. */
export const formatDuration = (ms: number): string => inLargestUnit(Math.round(ms), durationUnits)

/** The shortest exact form that `parseSize` reads back; whole bytes only. */
export const formatSize = (bytes: number): string => inLargestUnit(Math.round(bytes), sizeUnits)
