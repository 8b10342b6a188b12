import type { Dispatch } from '../../core/event/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import type { StoredRecord } from '../../core/log/port.ts'
import { createBatcher } from './batcher.ts'
import { dispatchKey, type Records } from './records.ts'

/**
 * Order of the dispatches of one key to an `ordered` destination.
 *
 * A record that leaves its place in the log (a retry, or one that waits behind a retry) is parked: its
 * key's list in keyed state names it, sorted by where each first lay in `dispatch`, which its headers
 * carry along. A record is attempted only when nothing before it is parked; within a process, the window
 * takes records of a key one after the other. A key lives in one partition, so that one process decides at a time.
 * Each change is written before the record's outputs, and can be made again: a crash loses no place.
 */
export interface Order {
  turn(place: Place): Promise<Turn>
  /**
   * Keeps the record's place; `due` is when it will be attempted. False when too many are parked; what has nobody
   * before it always has room.
   */
  park(place: Place, due?: number): Promise<boolean>
  /** The dispatch has ended. */
  leave(place: Pick<Place, 'key' | 'dispatch'>): Promise<void>
}

export interface Turn {
  /** `undefined` when it is this record's turn, else when to come back, ms. */
  until: number | undefined
  /** The list names it. */
  parked: boolean
}

export interface Place {
  key: string
  /** Key of the record per dispatch. */
  dispatch: string
  /** Where it first lay in its partition. */
  seq: number
}

export const seqHeader = 'order-seq'

/** Where a record first lay in its partition, which it carries along wherever it goes. */
export const seqOf = ({ headers, offset }: StoredRecord): number => {
  const said = headers[seqHeader]
  const seq = Number(said)
  return said !== undefined && Number.isSafeInteger(seq) ? seq : offset
}

export const placeOf = (dispatch: Dispatch, record: StoredRecord): Place => ({
  key: dispatch.key,
  dispatch: dispatchKey(dispatch),
  seq: seqOf(record),
})

/** seq, key of the record per dispatch, when it is due (0: when its turn comes). */
type Parked = [number, string, number]

/** A replay of what is parked takes over its place. */
const placeIn = (list: readonly Parked[], dispatch: string, seq: number): number =>
  Math.min(seq, list.find(([, one]) => one === dispatch)?.[0] ?? seq)

/**
 * Those that wait come back at common beats, in the order of the list. At a time of its own each, one that is late
 * sends all behind it away again, and is late again when they come: the key then moves by a few a second.
 */
const beatMs = 1_000
const leastMs = 250
const spacingMs = 2
/** Records of one key that wait for their turn in a process; those after them come back a round later. */
export const lineLength = 128
/**
 * A head that is overdue for so long holds nobody up any more. The time counts from when it was first seen as the head
 * here, too: while no connector ran nothing could come back, and one that waited itself names no time.
 */
const overdueMs = 3_600_000
const headsLimit = 10_000

export interface OrderOptions {
  /** Of a key's list, ms. */
  ttlMs: number
  maxParked: number
  /** The shortest time that a record can wait in the log, ms: those far behind come back a round later. */
  roundMs: number
  now: () => number
}

export const createOrder = (
  kv: Kv,
  records: Records,
  { ttlMs, maxParked, roundMs, now }: OrderOptions,
): Order => {
  const keyOf = (key: string): string => `order:${key}`

  const get = createBatcher((keys: readonly string[]) => kv.get(keys))

  const read = async (key: string): Promise<{ list: Parked[]; text: string | undefined }> => {
    const text = await get(keyOf(key))
    return { list: text === undefined ? [] : (JSON.parse(text) as Parked[]), text }
  }

  /** Changes the list by compare and set; `undefined` from `edit` leaves it. */
  const change = async (
    key: string,
    edit: (list: readonly Parked[]) => readonly Parked[] | undefined,
  ): Promise<void> => {
    for (;;) {
      const { list, text } = await read(key)
      const next = edit(list)
      if (next === undefined) return
      const entry = { key: keyOf(key), value: JSON.stringify(next), ttlMs, expected: text }
      const [written] = await kv.replace([entry])
      if (written) return
    }
  }

  const heads = new Map<string, { first: string; since: number }>()

  /** Since when this process sees it at the head of its key, ms. */
  const headSince = (key: string, first: string): number => {
    const seen = heads.get(key)
    if (seen?.first === first) return seen.since
    const since = now()
    heads.delete(key)
    heads.set(key, { first, since })
    const [oldest] = heads.keys()
    if (heads.size > headsLimit && oldest !== undefined) heads.delete(oldest)
    return since
  }

  const leave: Order['leave'] = ({ key, dispatch }) => {
    if (heads.get(key)?.first === dispatch) heads.delete(key)
    return change(key, (list) =>
      list.some(([, one]) => one === dispatch)
        ? list.filter(([, one]) => one !== dispatch)
        : undefined,
    )
  }

  return {
    async turn({ key, seq, dispatch }) {
      for (;;) {
        const { list } = await read(key)
        const place = placeIn(list, dispatch, seq)
        const ahead = list.filter(([other, one]) => other < place && one !== dispatch)
        const [head] = ahead
        const parked = list.some(([, one]) => one === dispatch)
        if (head === undefined) return { until: undefined, parked }
        const [, first, due] = head
        const known = await records.read(first)
        const over = known?.record.state === 'ended' && known.record.ending.verdict !== 'retry'
        // A loss of power can take back the end of a record that the log has settled already: it never comes.
        const lost = due <= now() && now() - Math.max(due, headSince(key, first)) > overdueMs
        // Else its process died between the end and leaving the list.
        if (over || lost) await leave({ key, dispatch: first })
        else {
          const rounds = Math.floor(ahead.length / lineLength)
          const soon = now() + leastMs
          const beat = due > soon ? due : Math.ceil(soon / beatMs) * beatMs
          return { until: beat + ahead.length * spacingMs + rounds * roundMs, parked }
        }
      }
    },
    async park({ key, dispatch, seq }, due = 0) {
      let room = true
      await change(key, (list) => {
        const others = list.filter(([, one]) => one !== dispatch)
        const place = placeIn(list, dispatch, seq)
        const after = others.findIndex(([other]) => other > place)
        const isFirst = after === 0 || others.length === 0
        room = isFirst || others.length < maxParked || others.length < list.length
        if (!room) return undefined
        return others.toSpliced(after < 0 ? others.length : after, 0, [place, dispatch, due])
      })
      return room
    },
    leave,
  }
}
