import type { Log } from '../../core/log/port.ts'
import { markPattern } from './load.ts'

/** Where a record lies, with the id of its event. */
export interface Place {
  id: string
  partition: number
  offset: number
}

/** What lies in the log since a row began: read on from where the last look ended. */
export interface Places {
  readOn(log: Log): Promise<void>
  /** Every record of a request in `received`. */
  received(mark: string): readonly Place[]
  /** The first record of an event in `dispatch`. */
  dispatched(id: string): Place | undefined
  /** What was read belongs to another row. */
  clear(): void
  /** The topics were made anew: from their beginning. */
  forget(): void
}

export const createPlaces = (): Places => {
  /** Next offset to be read, by topic and partition. */
  const cursors = new Map<string, number>()
  let received = new Map<string, Place[]>()
  let dispatched = new Map<string, Place>()

  const readTopic = async (
    log: Log,
    name: 'received' | 'dispatch',
    note: (place: Place, value: Uint8Array | null) => void,
  ): Promise<void> => {
    for (const { topic, partition, first, next } of await log.ends(name)) {
      const key = `${name}/${partition}`
      const from = Math.max(first, cursors.get(key) ?? first)
      if (from >= next) continue
      for await (const record of log.read({ topic, partition, offset: from }, next)) {
        cursors.set(key, record.offset + 1)
        note({ id: record.headers.id ?? '', partition, offset: record.offset }, record.value)
      }
      cursors.set(key, next)
    }
  }

  return {
    async readOn(log) {
      await readTopic(log, 'received', (place, value) => {
        const [mark] = markPattern.exec(Buffer.from(value ?? []).toString('latin1')) ?? []
        if (mark === undefined) return
        const places = received.get(mark) ?? []
        places.push(place)
        received.set(mark, places)
      })
      await readTopic(log, 'dispatch', (place) => {
        if (!dispatched.has(place.id)) dispatched.set(place.id, place)
      })
    },
    received: (mark) => received.get(mark) ?? [],
    dispatched: (id) => dispatched.get(id),
    clear() {
      received = new Map()
      dispatched = new Map()
    },
    forget: () => cursors.clear(),
  }
}
