import type { Kv } from '../kv/port.ts'
import {
  type Cause,
  type Counts,
  type Missed,
  noCounts,
  type OpenState,
  type Receipt,
} from './types.ts'

/** An event that has not ended, by name. */
export interface OpenEntry extends Receipt {
  state: OpenState | 'unaccounted'
  cause?: Cause
  dispatches?: readonly string[]
  /** Not to be looked at before, ms. */
  due: number
  /** How often it was looked at. */
  tries: number
}

/**
 * A range of one partition in which too many events are open to remember each: it is read again. What it
 * held that had ended by then is counted already.
 */
export interface Span {
  partition: number
  from: number
  to: number
  ended: Counts
  open: number
  due: number
  tries: number
}

/** Where the dead letters of an event that was received later may begin. */
interface Bookmark {
  at: number
  offsets: readonly (readonly [partition: number, offset: number])[]
}

/** All that accounting remembers. */
export interface Ledger {
  /** Everything below has ended, or stands in `open` or `spans`. */
  cursors: Map<number, number>
  open: Map<string, OpenEntry>
  spans: Span[]
  /** Since the beginning. */
  ended: Counts
  missed: Missed[]
  missedRecords: number
  /** Ascending. */
  bookmarks: Bookmark[]
}

export const emptyLedger = (): Ledger => ({
  cursors: new Map(),
  open: new Map(),
  spans: [],
  ended: noCounts(),
  missed: [],
  missedRecords: 0,
  bookmarks: [],
})

export const entryName = ({ id, run }: Pick<Receipt, 'id' | 'run'>): string => `${id} ${run}`

/** Keeps the ledger in keyed state. `save` is false when somebody else has written since it was loaded. */
export interface LedgerStore {
  load(): Promise<Ledger>
  save(ledger: Ledger): Promise<boolean>
}

const mainKey = 'accounting:ledger'
const pageKey = (generation: string, page: number): string =>
  `accounting:open:${generation}:${page}`
const lifeMs = 30 * 24 * 3_600_000
const pageSize = 500

interface Stored {
  version: 1
  generation: string
  pages: number
  cursors: [number, number][]
  spans: Span[]
  ended: Counts
  missed: Missed[]
  missedRecords: number
  bookmarks: Bookmark[]
}

/** `owner` names this process and its life: two that believe to hold the lease never share a page. */
export const createLedgerStore = (kv: Kv, owner: string): LedgerStore => {
  let text: string | undefined
  let generation = ''
  let saves = 0
  let kept: readonly string[] = []

  /** Open entries lie in pages of their own, written only when they have changed, before what names them. */
  const writePages = async (
    ledger: Ledger,
  ): Promise<{ generation: string; pages: readonly string[] }> => {
    const entries = [...ledger.open.values()]
    const made: string[] = []
    for (let at = 0; at < entries.length; at += pageSize)
      made.push(JSON.stringify(entries.slice(at, at + pageSize)))
    const same = made.length === kept.length && made.every((page, index) => page === kept[index])
    if (same) return { generation, pages: kept }
    saves += 1
    const next = `${owner}.${saves}`
    for (const [page, value] of made.entries())
      await kv.set([{ key: pageKey(next, page), value, ttlMs: lifeMs }])
    return { generation: next, pages: made }
  }

  return {
    async load() {
      ;[text] = await kv.get([mainKey])
      kept = []
      if (text === undefined) return emptyLedger()
      const stored = JSON.parse(text) as Stored
      generation = stored.generation
      const pages: string[] = []
      const open = new Map<string, OpenEntry>()
      for (let page = 0; page < stored.pages; page += 1) {
        const [entries] = await kv.get([pageKey(generation, page)])
        // Keyed state lost a page: nobody may forget those events, so all is read again.
        if (entries === undefined) return emptyLedger()
        for (const entry of JSON.parse(entries) as OpenEntry[]) open.set(entryName(entry), entry)
        pages.push(entries)
      }
      kept = pages
      const { spans, ended, missed, missedRecords, bookmarks } = stored
      return {
        cursors: new Map(stored.cursors),
        open,
        spans,
        ended,
        missed,
        missedRecords,
        bookmarks,
      }
    },
    async save(ledger) {
      const former = { generation, pages: kept.length }
      const written = await writePages(ledger)
      const { cursors, spans, ended, missed, missedRecords, bookmarks } = ledger
      const stored: Stored = {
        version: 1,
        generation: written.generation,
        pages: written.pages.length,
        cursors: [...cursors],
        ...{ spans, ended, missed, missedRecords, bookmarks },
      }
      const value = JSON.stringify(stored)
      const [won] = await kv.replace([{ key: mainKey, value, ttlMs: lifeMs, expected: text }])
      if (won !== true) return false
      text = value
      kept = written.pages
      generation = written.generation
      if (former.generation !== generation && former.pages > 0)
        await kv.delete(
          Array.from({ length: former.pages }, (_, page) => pageKey(former.generation, page)),
        )
      return true
    },
  }
}
