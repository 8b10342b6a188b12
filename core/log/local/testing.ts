import type { StoredRecord, TopicSpec } from '../port.ts'
import type { LocalLog, LogStore } from './index.ts'

export const text = (value: string): Uint8Array => new TextEncoder().encode(value)
export const textOf = ({ value }: Pick<StoredRecord, 'value'>): string =>
  new TextDecoder().decode(value ?? undefined)

export const spec = (name: string, rest: Partial<TopicSpec> = {}): TopicSpec => ({
  name,
  partitions: 1,
  retentionMs: -1,
  maxMessageBytes: 2 ** 20,
  ...rest,
})

export const readAll = async (log: LocalLog, topic: string): Promise<StoredRecord[]> => {
  const all: StoredRecord[] = []
  for (const { partition, first } of await log.ends(topic))
    for await (const record of log.read({ topic, partition, offset: first })) all.push(record)
  return all
}

/** What becomes of writes: they last, they fail, or they come about and are told as failed. */
export type Mood = 'good' | 'full' | 'late'

/** A store whose writes take a turn, and end as it is told at that time. */
export const createMoodyStore = (store: LogStore): { store: LogStore; turn(mood: Mood): void } => {
  let mood: Mood = 'good'
  return {
    turn: (next) => {
      mood = next
    },
    store: {
      ...store,
      write: async (change) => {
        await new Promise((resolve) => setImmediate(resolve))
        const told = mood
        if (told === 'full') throw new Error('no space')
        await store.write(change)
        if (told === 'late') throw new Error('no sync')
      },
    },
  }
}
