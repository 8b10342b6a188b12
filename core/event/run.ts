/**
 * A run is one passage of an event through the pipeline: the first, `live`, or a replay, whose id is the
 * run's name. Ids of replays begin with the time they were made, so that the later of two runs is known.
 */
export const liveRun = 'live'

const replayPrefix = 'rpl_'

/** An id of a replay: by its time (ms), then by what is random (hex). */
export const replayIdOf = (at: number, random: string): string =>
  `${replayPrefix}${at.toString(16).padStart(12, '0')}${random}`

/** Whether the first run began after the second. */
export const isLaterRun = (run: string, other: string): boolean =>
  other === liveRun ? run !== liveRun : run !== liveRun && run > other

/** Header of a dispatch that is sent although its destination has it: an operator said so. */
export const forceHeader = 'replay-force'

/** Header of what a dead letter was replayed as: how often it was, this time included. */
export const replaysHeader = 'replays'
