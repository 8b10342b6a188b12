import { performance } from 'node:perf_hooks'

/** Milliseconds since the epoch with fractions: comparable between the processes of one machine. */
export const now = (): number => performance.timeOrigin + performance.now()
