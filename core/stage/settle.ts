import { hasCode } from '../errors/index.ts'
import type { Batch, Log, NewRecord } from '../log/port.ts'
import { type BatchWork, deathOf, type Fate } from './batch.ts'

/** Everything but decisions: nobody waits for those. */
export const isUrgent = ({ topic }: NewRecord): boolean => topic !== 'decisions'

export const isTooLarge = (error: unknown): boolean =>
  hasCode(error, 'ZENHOOK_LOG_RECORD_TOO_LARGE')

/** What a dead letter is made with. */
export type DeathWork = Pick<BatchWork, 'codec' | 'hash' | 'now' | 'tally'>

/** One settle for the batch. When one record's outputs are too large, record by record, so that it dies alone, in `stage`. */
export const settle = async (
  batch: Batch,
  fates: readonly Fate[],
  stage: string,
  work: DeathWork,
): Promise<void> => {
  const last = fates.at(-1)
  if (last === undefined) return
  try {
    await batch.settle(
      last.record,
      fates.flatMap(({ outputs }) => outputs),
    )
  } catch (error) {
    if (!isTooLarge(error)) throw error
    for (const fate of fates) await settleOne(batch, fate, stage, work)
  }
}

export const settleOne = async (
  batch: Batch,
  fate: Fate,
  stage: string,
  work: DeathWork,
  log?: Pick<Log, 'append'>,
): Promise<void> => {
  await writeOne((outputs) => batch.settle(fate.record, outputs), fate, stage, work, log)
}

/**
 * Writes what one record came to; false: a topic refuses it, and it died. With a log that takes outputs one by
 * one, what the decisions tell of has to be in it before they are.
 */
export const writeOne = async (
  write: (outputs: readonly NewRecord[]) => Promise<unknown>,
  fate: Fate,
  stage: string,
  work: DeathWork,
  log?: Pick<Log, 'append'>,
): Promise<boolean> => {
  const urgent = fate.outputs.filter(isUrgent)
  let undone = urgent.length > 0
  let rest = fate.outputs
  try {
    if (log !== undefined && undone) {
      await log.append(urgent)
      undone = false
      rest = fate.outputs.filter((output) => !isUrgent(output))
    }
    await write(rest)
    return true
  } catch (error) {
    if (!isTooLarge(error)) throw error
    await write(deathOf(fate, error, stage, undone, work))
    return false
  }
}
