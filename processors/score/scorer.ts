import type { Event } from '../../core/event/index.ts'

/**
 * Says how urgent events are. The additive table of this folder is one; a learned model is another, behind
 * the same interface. It may be slow, throw or answer nonsense: the stage then goes on without it.
 */
export interface Scorer {
  readonly name: string
  readonly version: string
  /** One score per event, at the same index. */
  score(events: readonly Event[], signal: AbortSignal): Promise<readonly Score[]>
}

export interface Score {
  /** 0 (nobody needs to look) to 1 (wake somebody up). */
  urgency: number
  /** What made it: `value × weight` are added up in log-odds; their sum is the log-odds of the urgency. */
  contributions: readonly Contribution[]
  /** The scorer itself fell back to something worse. */
  degraded?: boolean
}

export interface Contribution {
  feature: string
  value: number
  weight: number
}

export const logistic = (logOdds: number): number => 1 / (1 + Math.exp(-logOdds))
