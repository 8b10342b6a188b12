import { messageOf } from '../errors/index.ts'
import type { Position } from '../event/index.ts'
import type { Kv } from '../kv/port.ts'
import type { Batch } from '../log/port.ts'
import type { Logger } from '../telemetry/logger.ts'

export interface MarksOptions {
  kv: Kv
  group: string
  holder: string
  policy: { wellMs: number }
  logger?: Logger
}

/** One partition while this process holds it. */
export interface Place {
  key: string
  signal: AbortSignal
  /** Owners before this one that died in a row. */
  deaths: number
  /** Up to here the last of them may have died over any record; -1 when that was not noted. */
  reach: number
  /** The same for the next owner. */
  until: number
  handed: number
  settled: number
}

/** Who holds each partition of a group, and how many owners of it died in a row; in keyed state. */
export interface Marks {
  held(batch: Batch): Place | undefined
  /** Takes the partition over, and says what became of its last owner; `undefined` while state is away. */
  hold(batch: Batch, onEnd: (place: Place) => void): Promise<Place | undefined>
  /** What is about to be handed out reaches up to here. */
  note(place: Place, offset: number): Promise<void>
  /** How many processes died while the record was alone under way; one more from now on, if it is alone. */
  begin(record: Position, isAlone: boolean): Promise<number>
  /** This process lives. */
  end(record: Position, isAlone: boolean, passed: boolean): Promise<void>
  forget(record: Position): Promise<void>
  /** Resolves once all that ended in order is written down. */
  released(): Promise<void>
}

interface Mark {
  holder: string
  deaths: number
  until: number
}

const day = 24 * 3_600_000
const markLifeMs = 7 * day
const countLifeMs = day
const lookAgainMs = 1_000
const mostTries = 5

const textOf = ({ holder, deaths, until }: Mark): string => `${deaths} ${until} ${holder}`

const markOf = (text = ''): Mark => {
  const [deaths = 0, until = -1] = text.split(' ', 2).map(Number)
  return text === ''
    ? { holder: '', deaths: 0, until: -1 }
    : { holder: text.split(' ').slice(2).join(' '), deaths, until }
}

export const createMarks = ({ kv, group, holder, policy, logger }: MarksOptions): Marks => {
  const places = new Map<string, Place>()
  /** What was written last of each partition: only that is ever replaced. */
  const texts = new Map<string, string>()
  const timers = new Map<string, ReturnType<typeof setTimeout>>()
  const writing = new Map<string, Promise<void>>()

  const keyOf = ({ topic, partition }: Pick<Position, 'topic' | 'partition'>): string =>
    `quarantine/${group}/${topic}/${partition}`
  const countOf = (record: Position): string => `${keyOf(record)}/${record.offset}`

  /** One after the other for a partition. A count that cannot be kept is no reason to stop the work. */
  const write = (key: string, work: () => Promise<void>): Promise<void> => {
    const done = (writing.get(key) ?? Promise.resolve()).then(work).catch((error: unknown) => {
      logger?.warn({ group, key, error: messageOf(error) }, 'deaths cannot be counted now')
    })
    writing.set(key, done)
    return done
  }

  const put = async (key: string, mark: Mark): Promise<void> => {
    const text = textOf(mark)
    await kv.set([{ key, value: text, ttlMs: markLifeMs }])
    texts.set(key, text)
  }
  const putMine = ({ key, deaths, until }: Place): Promise<void> =>
    write(key, () => put(key, { holder, deaths, until }))

  const release = ({ key, deaths, until }: Place): Promise<void> =>
    write(key, async () => {
      const expected = texts.get(key)
      if (expected === undefined) return
      const value = textOf({ holder: '', deaths, until })
      await kv.replace([{ key, value, ttlMs: markLifeMs, expected }])
    })

  /** Once the time is over and what was under way then has passed, the deaths are history. */
  const watchRecovery = (place: Place, waitMs: number, target?: number): void => {
    const timer = setTimeout(() => {
      const upTo = target ?? Math.max(place.handed, place.reach)
      if (place.settled < upTo) return watchRecovery(place, lookAgainMs, upTo)
      timers.delete(place.key)
      place.deaths = 0
      place.reach = -1
      place.until = -1
      void putMine(place)
    }, waitMs)
    timers.set(place.key, timer)
  }

  const end = (place: Place): void => {
    if (places.get(place.key) !== place) return
    clearTimeout(timers.get(place.key))
    timers.delete(place.key)
    places.delete(place.key)
    void release(place)
  }

  return {
    held(batch) {
      const place = places.get(keyOf(batch))
      return place?.signal === batch.signal ? place : undefined
    },
    async hold(batch, onEnd) {
      const { signal } = batch
      const key = keyOf(batch)
      const before = places.get(key)
      if (before !== undefined) end(before)
      let place: Place | undefined
      await write(key, async () => {
        // Once more when it was handed over just then: whoever does that is not dead.
        for (let tries = 0; place === undefined && tries < mostTries; tries += 1) {
          const [text] = await kv.get([key])
          if (signal.aborted) return
          const last = markOf(text)
          const died = last.holder !== '' && last.holder !== holder
          const deaths = last.deaths + (died ? 1 : 0)
          const { until } = last
          const value = textOf({ holder, deaths, until })
          const [isOurs] = await kv.replace([{ key, value, ttlMs: markLifeMs, expected: text }])
          if (isOurs !== true) continue
          texts.set(key, value)
          const settled = (batch.records[0]?.offset ?? 0) - 1
          place = { key, signal, deaths, reach: until, until, handed: settled, settled }
        }
      })
      const mine = place
      if (mine === undefined) return undefined
      places.set(key, mine)
      const ended = (): void => {
        end(mine)
        onEnd(mine)
      }
      if (signal.aborted) ended()
      else signal.addEventListener('abort', ended, { once: true })
      if (mine.deaths > 0) {
        watchRecovery(mine, policy.wellMs)
        logger?.warn(
          { group, topic: batch.topic, partition: batch.partition, deaths: mine.deaths },
          'the process that held this partition died',
        )
      }
      return mine
    },
    async note(place, offset) {
      if (offset === place.until) return
      place.until = offset
      await putMine(place)
    },
    async begin(record, isAlone) {
      let deaths = 0
      await write(keyOf(record), async () => {
        const sum = await kv.add(countOf(record), isAlone ? 1 : 0, countLifeMs)
        deaths = isAlone ? sum - 1 : sum
      })
      return deaths
    },
    end: (record, isAlone, passed) =>
      write(keyOf(record), async () => {
        if (passed) await kv.delete([countOf(record)])
        else if (isAlone) await kv.add(countOf(record), -1, countLifeMs)
      }),
    forget: (record) => write(keyOf(record), () => kv.delete([countOf(record)])),
    async released() {
      await Promise.all(writing.values())
    },
  }
}
