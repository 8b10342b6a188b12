import { matrix } from './plan.ts'
import type { FaultRecord } from './row.ts'

/** Cases of a row in the suites beside the code. */
export interface Cases {
  passed: number
  failed: number
  skipped: number
}

/** A row's test on the rig, as its runner saw it. */
export interface RigResult {
  passed: boolean
  /** First line of what failed. */
  message: string
}

export type State = 'holds' | 'broken' | 'missing' | 'waits'

export interface RowResult {
  id: string
  what: string
  state: State
  records: readonly FaultRecord[]
  cases: Cases | undefined
  /** Why it is not shown, or what failed. */
  reason: string
}

export interface Gathered {
  records: readonly FaultRecord[]
  rig: ReadonlyMap<string, RigResult>
  cases: ReadonlyMap<string, Cases>
}

const judge = (
  rig: RigResult | undefined,
  cases: Cases | undefined,
): Pick<RowResult, 'state' | 'reason'> => {
  if (rig?.passed === false) return { state: 'broken', reason: rig.message }
  if (cases !== undefined && cases.failed > 0)
    return { state: 'broken', reason: `${cases.failed} cases failed` }
  if (rig?.passed === true || (cases?.passed ?? 0) > 0) return { state: 'holds', reason: '' }
  if ((cases?.skipped ?? 0) > 0)
    return { state: 'missing', reason: 'its cases were skipped: they need servers or vectors' }
  return { state: 'missing', reason: 'nothing shows it yet' }
}

/** One result for each row in scope, in the order of the matrix. */
export const judgeRows = (inScope: (id: string) => boolean, gathered: Gathered): RowResult[] =>
  matrix
    .filter(({ id }) => inScope(id))
    .map(({ id, what, waits }) => {
      const rig = gathered.rig.get(id)
      const cases = gathered.cases.get(id)
      const records = gathered.records.filter((record) => record.rows.includes(id))
      const shown = rig !== undefined || cases !== undefined
      if (waits !== undefined && !shown)
        return { id, what, state: 'waits', records, cases, reason: waits }
      return { id, what, records, cases, ...judge(rig, cases) }
    })

const columns = [
  'row',
  'what was done',
  'sent',
  '2xx',
  'lost',
  'dup',
  'worst ms',
  'drain ms',
  'answers',
  'verdict',
] as const

const listed = (counts: Readonly<Record<string, number | string>>): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name}: ${count}`)
    .join(', ')

const told = (cases: Cases): string => {
  const { passed, failed, skipped } = cases
  const rest = [failed > 0 ? `, ${failed} failed` : '', skipped > 0 ? `, ${skipped} skipped` : '']
  return `cases: ${passed} passed${rest.join('')}`
}

const verdictOf = ({ state, reason }: RowResult): string =>
  reason === '' ? state : `${state}: ${reason}`

const linesOf = (row: RowResult): string[][] => {
  const { id, what, records, cases } = row
  const verdict = verdictOf(row)
  const fromRig = records.map((record) => {
    const more = listed(record.notes)
    return [
      id,
      more === '' ? record.did : `${record.did} (${more})`,
      ...[record.sent, record.acknowledged, record.lost, record.duplicates].map(String),
      ...[record.worstMs, record.drainMs].map(String),
      listed(record.statuses),
      Object.keys(record.broken).length > 0 ? `broken: ${listed(record.broken)}` : verdict,
    ]
  })
  const none = ['', '', '', '', '', '']
  if (cases !== undefined) fromRig.push([id, what, ...none, told(cases), verdict])
  return fromRig.length > 0 ? fromRig : [[id, what, ...none, '', verdict]]
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ')

/** As Markdown, aligned, which a terminal shows as well. */
export const tableOf = (rows: readonly RowResult[]): string => {
  const lines = rows.flatMap(linesOf).map((line) => line.map(cell))
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...lines.map((line) => line[index]?.length ?? 0)),
  )
  const draw = (cells: readonly string[]): string =>
    `| ${cells.map((text, index) => text.padEnd(widths[index] ?? 0)).join(' | ')} |`
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`
  return [draw(columns), rule, ...lines.map(draw)].join('\n')
}

/** What all rows on the rig come to. */
export const sums = (records: readonly FaultRecord[]) => ({
  sent: records.reduce((sum, { sent }) => sum + sent, 0),
  acknowledged: records.reduce((sum, { acknowledged }) => sum + acknowledged, 0),
  lost: records.reduce((sum, { lost }) => sum + lost, 0),
  duplicates: records.reduce((sum, { duplicates }) => sum + duplicates, 0),
})
