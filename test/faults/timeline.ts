import type { Line } from './load.ts'

/** Something that was done to the world. */
export interface Stretch {
  name: string
  /** ms on the clock of `performance` */
  at: number
  /** ms */
  tookMs: number
  /** What came of it, in words. */
  after?: string
}

const slowMs = 2_500

/**
 * What was done, and between it the seconds whose genuine requests were answered late, badly or not at all:
 * by when they were sent, with how many, the longest wait in ms and the answers. Lines to be printed.
 */
export const timeline = (
  startedAt: number,
  lines: readonly Line[],
  stretches: readonly Stretch[],
): string[] => {
  const seconds = new Map<number, { count: number; worst: number; answers: Map<string, number> }>()
  for (const { forged, status, failure, sentAt, ackAt } of lines) {
    if (forged || (status === 202 && ackAt - sentAt <= slowMs)) continue
    const second = Math.floor((sentAt - startedAt) / 1_000)
    const entry = seconds.get(second) ?? { count: 0, worst: 0, answers: new Map() }
    const answer = failure || String(status)
    entry.count += 1
    entry.worst = Math.max(entry.worst, ackAt - sentAt)
    entry.answers.set(answer, (entry.answers.get(answer) ?? 0) + 1)
    seconds.set(second, entry)
  }
  const said = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`
  return [
    ...stretches.map(({ name, at, tookMs, after = '' }) => ({
      at: at - startedAt,
      text: `${name} for ${said(tookMs)}${after && `, ${after}`}`,
    })),
    ...[...seconds].map(([second, { count, worst, answers }]) => ({
      at: second * 1_000,
      text: `  ${count} requests waited up to ${said(worst)}: ${[...answers].map(([answer, n]) => `${answer} ${n}`).join(', ')}`,
    })),
  ]
    .sort((a, b) => a.at - b.at)
    .map(({ at, text }) => `  ${said(at).padStart(8)}  ${text}\n`)
}
