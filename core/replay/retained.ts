import { isZenhookError } from '../errors/index.ts'
import type { Codec, RecordKinds } from '../event/codec/index.ts'
import type { Dispatch, Event, Position } from '../event/index.ts'
import type { Log, StoredRecord } from '../log/port.ts'

/** Records further apart than this are read one by one. */
const nearBy = 64

/**
 * The records at these positions, as far as the log retains them; by the position's text. Neighbours are
 * read together.
 */
export const recordsAt = async (
  log: Log,
  positions: readonly Position[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredRecord>> => {
  const found = new Map<string, StoredRecord>()
  for (const range of rangesOf(positions)) {
    const from = { topic: range.topic, partition: range.partition, offset: range.from }
    for await (const record of log.read(from, range.to + 1, signal)) {
      const text = placeOf(record)
      if (range.wanted.has(text)) found.set(text, record)
    }
  }
  return found
}

export const placeOf = ({ topic, partition, offset }: Position): string =>
  `${topic}/${partition}/${offset}`

interface Range {
  topic: string
  partition: number
  from: number
  to: number
  wanted: Set<string>
}

const rangesOf = (positions: readonly Position[]): readonly Range[] => {
  const sorted = [...positions].sort(
    (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset,
  )
  const ranges: Range[] = []
  for (const { topic, partition, offset } of sorted) {
    const last = ranges.at(-1)
    const text = placeOf({ topic, partition, offset })
    if (last?.topic === topic && last.partition === partition && offset - last.to <= nearBy) {
      last.to = offset
      last.wanted.add(text)
    } else ranges.push({ topic, partition, from: offset, to: offset, wanted: new Set([text]) })
  }
  return ranges
}

/** What a record holds; `undefined` when it cannot be read. Rejects while it cannot be read now. */
const decoded = async <K extends 'dispatch' | 'event'>(
  codec: Codec,
  kind: K,
  record: StoredRecord | undefined,
): Promise<RecordKinds[K] | undefined> => {
  if (record === undefined || record.value === null) return undefined
  try {
    return await codec.decode(kind, record.value)
  } catch (error) {
    if (isZenhookError(error) && error.retriable) throw error
    return undefined
  }
}

/** The dispatch that a record holds; `undefined` when it is not that one any more. */
export const dispatchOf = async (
  codec: Codec,
  record: StoredRecord | undefined,
  id: string,
): Promise<Dispatch | undefined> => {
  const dispatch = await decoded(codec, 'dispatch', record)
  return dispatch?.id === id ? dispatch : undefined
}

export const eventOf = async (
  codec: Codec,
  record: StoredRecord | undefined,
  id: string,
): Promise<Event | undefined> => {
  const event = await decoded(codec, 'event', record)
  return event?.id === id ? event : undefined
}
