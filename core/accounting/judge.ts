import type { End, Standing } from '../decisions/ends.ts'

export type Judgement =
  | { kind: 'ended'; end: End }
  | { kind: 'contradiction'; dispatches: readonly string[] }
  /** No decision tells what the stages made of it. */
  | { kind: 'undecided' }
  /** These dispatches have not ended. */
  | { kind: 'open'; missing: readonly Standing[] }

const endsOf = ({ delivered, dead, dropped }: Standing): number => delivered + dead + dropped

/** From all that the tables know of one event: what became of it in the run in question. */
export const judge = (all: readonly Standing[], run: string): Judgement => {
  const own = judgeRun(all.filter((row) => row.run === run))
  if (own.kind === 'ended' || own.kind === 'contradiction') return own
  // A replay made good for it.
  const others = all.filter((row) => row.run !== run)
  if (own.kind === 'open') {
    const missing = own.missing.flatMap((row) => {
      const same = others.filter(({ dispatchId }) => dispatchId === row.dispatchId)
      if (same.some((other) => endsOf(other) > 0)) return []
      // A replay took it over, and tries as the last of them says.
      return [{ ...row, nextAt: Math.max(row.nextAt, ...same.map(({ nextAt }) => nextAt)) }]
    })
    return missing.length > 0
      ? { kind: 'open', missing }
      : summed(all.filter((row) => endsOf(row) > 0))
  }
  for (const other of new Set(others.map((row) => row.run))) {
    const rows = others.filter((row) => row.run === other)
    if (rows.length > 0 && rows.every((row) => endsOf(row) === 1)) return summed(rows)
  }
  return own
}

const judgeRun = (rows: readonly Standing[]): Judgement => {
  const stage = rows.find(({ dispatchId }) => dispatchId === '')
  const stageEnds = stage === undefined ? 0 : endsOf(stage)
  const dispatches = rows.filter(({ dispatchId }) => dispatchId !== '')
  const torn = dispatches.filter((row) => endsOf(row) > 1)
  if (torn.length > 0) return contradiction(torn)
  if (stageEnds > 1 || (stageEnds > 0 && dispatches.length > 0)) return contradiction(dispatches)
  if (stage !== undefined && stageEnds === 1) return summed([stage])
  // A dispatch that nobody is known to have decided says that decisions are missing: others may be, too.
  if (dispatches.length === 0 || dispatches.some(({ sent, dropped }) => sent + dropped === 0))
    return { kind: 'undecided' }
  const missing = dispatches.filter((row) => endsOf(row) === 0)
  return missing.length > 0 ? { kind: 'open', missing } : summed(dispatches)
}

const contradiction = (rows: readonly Standing[]): Judgement => ({
  kind: 'contradiction',
  dispatches: rows.map(({ dispatchId }) => dispatchId),
})

const summed = (rows: readonly Standing[]): Judgement => {
  const some = (end: 'delivered' | 'dead'): boolean => rows.some((row) => row[end] > 0)
  if (some('delivered'))
    return {
      kind: 'ended',
      end: rows.every(({ delivered }) => delivered > 0) ? 'delivered' : 'partial',
    }
  return { kind: 'ended', end: some('dead') ? 'dead' : 'dropped' }
}
