import { isZenhookError, messageOf, ZenhookError } from '../errors/index.ts'
import type { Item, Outcome, Stage } from './types.ts'

/** The stage cannot decide this batch now (its state store is away): the batch comes again. */
export class StageUnavailable extends Error {
  override readonly name = 'StageUnavailable'
  readonly stage: string

  constructor(stage: string, cause: ZenhookError) {
    super(`${stage}: ${cause.message}`, { cause })
    this.stage = stage
  }
}

/**
 * One outcome per item, whatever the stage does. A retriable failure rejects with StageUnavailable; any
 * other failure is narrowed down to the records that cause it, and these die alone.
 */
export const invoke = async (
  stage: Stage,
  items: readonly Item[],
  signal: AbortSignal,
): Promise<readonly Outcome[]> => {
  try {
    const outcomes = await stage.process(items, signal)
    if (outcomes.length === items.length) return outcomes
    throw new ZenhookError('ZENHOOK_STAGE_BROKEN_PROMISE', {
      message: `${stage.name} gave ${outcomes.length} outcomes for ${items.length} events`,
    })
  } catch (error) {
    signal.throwIfAborted()
    if (isZenhookError(error) && error.retriable) throw new StageUnavailable(stage.name, error)
    if (items.length === 1) return [died(stage.name, error)]
    const outcomes: Outcome[] = []
    for (const item of items) outcomes.push(...(await invoke(stage, [item], signal)))
    return outcomes
  }
}

export const died = (stage: string, cause: unknown): Outcome => {
  const error = isZenhookError(cause)
    ? cause
    : new ZenhookError('ZENHOOK_STAGE_FAILED', {
        message: `${stage} failed: ${messageOf(cause)}`,
        cause,
      })
  return {
    kind: 'dead',
    error,
    decisions: [
      {
        verdict: 'dead',
        reason: failedReason,
        details: { code: error.code, message: error.message },
      },
    ],
  }
}

/** The runner's own reason: the stage gave none, for it failed. */
export const failedReason = 'stage_failed'
