import type { Dispatch } from '../../core/event/index.ts'
import type { NewRecord, StoredRecord } from '../../core/log/port.ts'
import type { Place } from './order.ts'

/** One record of `dispatch` on its way. */
export interface Job {
  record: StoredRecord
  dispatch: Dispatch
  /** Key of the record per dispatch. */
  key: string
  position: string
  /** Aborted when the partition has moved. */
  owned: AbortSignal
  /** Nothing is read about the dispatch in the first round, as most likely there is nothing. */
  unread: boolean
  /** Present where the destination is ordered. */
  place: Place | undefined
  /** The list of its key may name it: as the last look found it. */
  parked: boolean
  /** A replay acts again on what the destination has. */
  forced: boolean
  /** This process made an attempt whose record it could not keep. */
  attempted?: boolean
  /** Too many of its key wait in this process. */
  crowded: boolean
}

/** Outputs; `undefined` when the record must come back; `again` when what was known has changed. */
export type Round = readonly NewRecord[] | undefined | 'again'
