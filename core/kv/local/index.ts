import { ZenhookError } from '../../errors/index.ts'
import { decideClaim, type Held } from '../claims.ts'
import type { Kv } from '../port.ts'

/** Claims, values and counters live apart: one name may stand for each. */
export type Kind = 'claim' | 'value' | 'counter'
export const kinds = ['claim', 'value', 'counter'] as const

export interface Cell {
  text: string
  /** When it is gone, ms. */
  until: number
}

export interface CellChange {
  kind: Kind
  key: string
  /** Absent: removed. */
  cell: Cell | undefined
}

/** Where a local store keeps its cells. Changes are seen by `get` at once, and last once `put` resolves. */
export interface CellStore {
  /** May give cells whose life is over. */
  get(kind: Kind, key: string): Cell | undefined
  put(changes: readonly CellChange[]): Promise<void>
  /** Resolves once what `get` said of these is safe; rejects when it was not to be. */
  safe(kind: Kind, keys: readonly string[]): Promise<void>
  ping(): Promise<void>
  close(): Promise<void>
}

export interface LocalKvOptions {
  cells: CellStore
  capabilities: Kv['capabilities']
  now: () => number
}

/** Keyed state within one process: each operation decides in one go, then waits until it lasts. */
export const createLocalKv = ({ cells, capabilities, now }: LocalKvOptions): Kv => {
  let closed: Promise<void> | undefined

  const live = (kind: Kind, key: string): Cell | undefined => {
    const cell = cells.get(kind, key)
    return cell === undefined || cell.until <= now() ? undefined : cell
  }
  const refuseClosed = (): void => {
    if (closed !== undefined) throw new ZenhookError('ZENHOOK_KV_CLOSED')
  }
  /** An answer may rest on what somebody else is writing: it is given once that is safe too. */
  const finish = async (
    kind: Kind,
    keys: readonly string[],
    writes: readonly Promise<void>[],
  ): Promise<void> => {
    try {
      await Promise.all([...writes, cells.safe(kind, keys)])
    } catch (cause) {
      throw new ZenhookError('ZENHOOK_KV_UNAVAILABLE', {
        message: 'The state could not be written',
        retriable: true,
        cause,
      })
    }
  }

  return {
    capabilities,
    async claim(claims) {
      refuseClosed()
      const writes: Promise<void>[] = []
      const holders = claims.map((claim) => {
        const cell = live('claim', claim.key)
        const known = cell === undefined ? [] : (JSON.parse(cell.text) as Held[])
        const { holder, held } = decideClaim(known, claim, now())
        if (held !== undefined) {
          const until = Math.max(...held.map((each) => each.until))
          const next = { text: JSON.stringify(held), until }
          writes.push(cells.put([{ kind: 'claim', key: claim.key, cell: next }]))
        }
        return holder
      })
      await finish(
        'claim',
        claims.map(({ key }) => key),
        writes,
      )
      return holders
    },
    async get(keys) {
      refuseClosed()
      const values = keys.map((key) => live('value', key)?.text)
      await finish('value', keys, [])
      return values
    },
    async set(entries) {
      refuseClosed()
      const until = (ttlMs: number): number => now() + ttlMs
      const written = cells.put(
        entries.map(({ key, value, ttlMs }) => ({
          kind: 'value',
          key,
          cell: { text: value, until: until(ttlMs) },
        })),
      )
      await finish('value', [], [written])
    },
    async replace(entries) {
      refuseClosed()
      const writes: Promise<void>[] = []
      const replaced = entries.map(({ key, value, ttlMs, expected }) => {
        if (live('value', key)?.text !== expected) return false
        const cell = { text: value, until: now() + ttlMs }
        writes.push(cells.put([{ kind: 'value', key, cell }]))
        return true
      })
      await finish(
        'value',
        entries.map(({ key }) => key),
        writes,
      )
      return replaced
    },
    async delete(keys) {
      refuseClosed()
      const written = cells.put(
        keys.flatMap((key) => kinds.map((kind) => ({ kind, key, cell: undefined }))),
      )
      await finish('value', [], [written])
    },
    async add(key, by, ttlMs) {
      refuseClosed()
      const cell = live('counter', key)
      const sum = Number(cell?.text ?? 0) + by
      const written = cells.put([
        { kind: 'counter', key, cell: { text: String(sum), until: cell?.until ?? now() + ttlMs } },
      ])
      await finish('counter', [], [written])
      return sum
    },
    async ping() {
      refuseClosed()
      try {
        await cells.ping()
      } catch (cause) {
        throw new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true, cause })
      }
    },
    close() {
      closed ??= cells.close()
      return closed
    },
  }
}
