/**
 * Time until the next tick of a common beat, ms. What nobody waits for goes to the log at ticks: since all
 * partitions keep one beat, their outputs and commits meet in few requests.
 */
export const untilTick = (everyMs: number, now = Date.now()): number =>
  everyMs <= 0 ? 0 : everyMs - (now % everyMs)
