/** Where an event stands. The last four are ends. */
export type EventStatus =
  | 'accepted'
  | 'routed'
  | 'retrying'
  | 'parked'
  | 'delivered'
  | 'partial'
  | 'dropped'
  | 'dead'

/** Where one dispatch stands. The last three are ends. */
export type DispatchStatus = 'pending' | 'retrying' | 'parked' | 'delivered' | 'dropped' | 'dead'

export const eventStatuses: readonly EventStatus[] = [
  'accepted',
  'routed',
  'retrying',
  'parked',
  'delivered',
  'partial',
  'dropped',
  'dead',
]

/** The newest decision of a group, and when it was made (ms). */
export interface Newest {
  verdict: string
  reason: string
  at: number
}

/** From the newest decision about a dispatch. An ordered destination parks with the reason `parked`. */
export const dispatchStatus = ({ verdict, reason }: Omit<Newest, 'at'>): DispatchStatus => {
  switch (verdict) {
    case 'delivered':
      return 'delivered'
    case 'dead':
      return 'dead'
    case 'drop':
      return 'dropped'
    case 'retry':
      return reason === 'parked' ? 'parked' : 'retrying'
    default:
      return 'pending'
  }
}

export interface EventState {
  /** The end that a stage gave the event before any dispatch, in its newest run. */
  stageEnd?: 'drop' | 'dead' | undefined
  /** Of each dispatch, in its newest run. */
  dispatches: readonly DispatchStatus[]
}

/** The one place that derives an event's status. */
export const eventStatus = ({ stageEnd, dispatches }: EventState): EventStatus => {
  const some = (status: DispatchStatus): boolean => dispatches.includes(status)
  if (dispatches.length === 0) {
    if (stageEnd === 'dead') return 'dead'
    return stageEnd === 'drop' ? 'dropped' : 'accepted'
  }
  if (some('retrying')) return 'retrying'
  if (some('parked')) return 'parked'
  if (some('pending')) return 'routed'
  if (!some('delivered')) return some('dead') ? 'dead' : 'dropped'
  return some('dead') || some('dropped') ? 'partial' : 'delivered'
}

/** Newest decisions of one event: those about a dispatch, and those before any (`dispatchId` empty). */
export interface Group extends Newest {
  dispatchId: string
  run: string
}

/**
 * Which decision of a group counts: the greatest by this, over verdicts as `made` and times as `decided`.
 * Of the decisions before a dispatch, an end counts whatever else was decided in the same millisecond. Of
 * those about a dispatch, what came after the route counts (a connector's word, or a letter's discarding),
 * whenever the chain decided: after a crash the chain decides again, which carries a later time than an end
 * that was there before.
 */
export const rankSql = `((dispatch_id = '' AND made IN ('drop', 'dead')) OR stage IN ('deliver', 'discard'), decided, attempt)`

/** A replay is a run of its own: of each dispatch, and of the stages, the newest run counts. */
export const stateOf = (groups: readonly Group[]): EventState => {
  const newest = new Map<string, Group>()
  for (const group of groups) {
    const known = newest.get(group.dispatchId)
    if (known === undefined || group.at >= known.at) newest.set(group.dispatchId, group)
  }
  const stages = newest.get('')
  newest.delete('')
  return {
    stageEnd: stages?.verdict === 'drop' || stages?.verdict === 'dead' ? stages.verdict : undefined,
    dispatches: [...newest.values()].map(dispatchStatus),
  }
}
