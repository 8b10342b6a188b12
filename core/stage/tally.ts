import type { Metrics } from '../telemetry/metrics.ts'
import type { Draft } from './types.ts'

export type StageMetrics = Pick<
  Metrics,
  'stageEvents' | 'stageSeconds' | 'stageErrors' | 'dead' | 'gaps'
>

/** Counts of one batch: reported once, when the batch is settled, so that a repeated batch counts once. */
export interface Tally {
  batch(stage: string, tookMs: number): void
  decision(stage: string, draft: Draft): void
  dead(stage: string, code: string): void
  report(): void
}

export const createTally = (metrics: StageMetrics | undefined): Tally => {
  const batches: [stage: string, seconds: number][] = []
  const decisions = new Map<string, { stage: string; verdict: string; reason: string; n: number }>()
  const deaths: { stage: string; code: string }[] = []
  return {
    batch: (stage, tookMs) => {
      batches.push([stage, tookMs / 1000])
    },
    decision: (stage, { verdict, reason }) => {
      const key = `${stage} ${verdict} ${reason}`
      const known = decisions.get(key)
      if (known === undefined) decisions.set(key, { stage, verdict, reason, n: 1 })
      else known.n += 1
    },
    dead: (stage, code) => {
      deaths.push({ stage, code })
    },
    report: () => {
      if (metrics === undefined) return
      for (const [stage, seconds] of batches) metrics.stageSeconds.observe({ stage }, seconds)
      for (const { n, ...labels } of decisions.values()) metrics.stageEvents.inc(labels, n)
      for (const labels of deaths) metrics.dead.inc(labels)
    },
  }
}
