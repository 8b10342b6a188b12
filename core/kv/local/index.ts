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

/** Where a local store keeps its cells. What is put is seen by `get` at once. */
export interface CellStore {
  /** May give cells whose life is over. */
  get(kind: Kind, key: string): Cell | undefined
  /** Resolves once the changes last (absent: they do); rejects when they were undone. */
  put(changes: readonly CellChange[]): Promise<void> | undefined
  /** The same for what `get` said of these, which somebody else may have put. */
  lasting(kind: Kind, keys: readonly string[]): Promise<void> | undefined
  /** Where too much waits to be stored: what to wait for before asking again. Throws when it is stuck. */
  room(): Promise<void> | undefined
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
  const unavailable = (cause: unknown): ZenhookError =>
    new ZenhookError('ZENHOOK_KV_UNAVAILABLE', {
      message: 'The state could not be written',
      retriable: true,
      cause,
    })
  /** Decides once there is room, in one go; the answer is given once all that it rests on lasts. */
  const change = async <T>(
    decide: () => { answer: T; last: Promise<void> | undefined },
  ): Promise<T> => {
    refuseClosed()
    try {
      for (let room = cells.room(); room !== undefined; room = cells.room()) await room
    } catch (error) {
      throw unavailable(error)
    }
    refuseClosed()
    const { answer, last } = decide()
    try {
      if (last !== undefined) await last
    } catch (error) {
      throw unavailable(error)
    }
    return answer
  }

  return {
    capabilities,
    claim: (claims) =>
      change(() => {
        const answer = claims.map((claim) => {
          const cell = live('claim', claim.key)
          const known = cell === undefined ? [] : (JSON.parse(cell.text) as Held[])
          const { holder, held } = decideClaim(known, claim, now())
          if (held !== undefined) {
            const until = Math.max(...held.map((each) => each.until))
            const next = { text: JSON.stringify(held), until }
            cells.put([{ kind: 'claim', key: claim.key, cell: next }])
          }
          return holder
        })
        const keys = claims.map(({ key }) => key)
        return { answer, last: cells.lasting('claim', keys) }
      }),
    async get(keys) {
      refuseClosed()
      const values = keys.map((key) => live('value', key)?.text)
      try {
        await cells.lasting('value', keys)
      } catch (error) {
        throw unavailable(error)
      }
      return values
    },
    set: (entries) =>
      change(() => ({
        answer: undefined,
        last: cells.put(
          entries.map(({ key, value, ttlMs }) => ({
            kind: 'value',
            key,
            cell: { text: value, until: now() + ttlMs },
          })),
        ),
      })),
    replace: (entries) =>
      change(() => {
        const answer = entries.map(({ key, value, ttlMs, expected }) => {
          if (live('value', key)?.text !== expected) return false
          cells.put([{ kind: 'value', key, cell: { text: value, until: now() + ttlMs } }])
          return true
        })
        const keys = entries.map(({ key }) => key)
        return { answer, last: cells.lasting('value', keys) }
      }),
    delete: (keys) =>
      change(() => ({
        answer: undefined,
        last: cells.put(
          keys.flatMap((key) => kinds.map((kind) => ({ kind, key, cell: undefined }))),
        ),
      })),
    add: (key, by, ttlMs) =>
      change(() => {
        const cell = live('counter', key)
        const sum = Number(cell?.text ?? 0) + by
        const until = cell?.until ?? now() + ttlMs
        const last = cells.put([{ kind: 'counter', key, cell: { text: String(sum), until } }])
        return { answer: sum, last }
      }),
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
