import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Kv } from '../core/kv/port.ts'
import { createBreaker } from './breaker.ts'

export interface NonceRequest {
  tenant: string
  source: string
  /** What a replay repeats, as the verifier says. */
  nonce: string
  /** Id of the event that this request would become. */
  eventId: string
  /** Digest of the body: the same nonce with another body is a conflict. */
  bodyDigest: string
  receivedAt: number
  /** Life of the reservation, ms: below the sender's patience, so that its retry is not held up. */
  reserveMs: number
  /** Life once the event is durable, ms. */
  lifeMs: number
  /** How long this request may wait for another's reservation, ms from now. */
  waitMs: number
}

export interface Stored {
  id: string
  bodyDigest: string
  receivedAt: number
}

/** The right to append. Exactly one of its three ends is called. */
export interface Turn {
  kind: 'turn'
  /** False when the state store could not be asked. */
  checked: boolean
  /** The event is durable: from now on the nonce is spent. Resolves once that is kept, or could not be. */
  confirm(): Promise<void>
  /** The event is surely not stored: a retry may pass at once. */
  release(): Promise<void>
  /** Nobody knows: the reservation runs out by itself. */
  abandon(): void
}

export interface Nonces {
  /** A turn to append, or what is stored already under this nonce. Never rejects. */
  begin(request: NonceRequest): Promise<Turn | ({ kind: 'stored' } & Stored)>
}

export interface NonceOptions {
  kv: Kv
  now?: () => number
  /** Bound of one call to the state store, ms. */
  callMs?: number
  onUnavailable?: (error: unknown) => void
}

const remembered = 20_000
const pollMs = 25

const keyOf = ({ tenant, source, nonce }: NonceRequest): string =>
  `nonce:${tenant}/${source}:${hash('sha256', nonce, 'base64url')}`

const reservedValue = (request: NonceRequest): string => `r ${request.eventId}`
const storedValue = (stored: Stored): string =>
  `s ${stored.id} ${stored.receivedAt} ${stored.bodyDigest}`

const parseStored = (value: string): Stored | undefined => {
  const [kind, id = '', receivedAt = '', bodyDigest = ''] = value.split(' ')
  return kind === 's' ? { id, receivedAt: Number(receivedAt), bodyDigest } : undefined
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** How a turn ended, for those who wait for it in this process. */
type End = Stored | 'free'

/**
 * Nonces: reserve, append, confirm. Requests of one process wait for each other without the state store;
 * those of other processes are asked for through it. While it is away, turns are given unchecked.
 */
export const createNonces = (options: NonceOptions): Nonces => {
  const { kv, now = Date.now, callMs = 50, onUnavailable = () => {} } = options
  const { ask } = createBreaker({ callMs, onFailure: onUnavailable })
  const underWay = new Map<string, Promise<End>>()
  const spent = new LRUCache<string, Stored & { until: number }>({ max: remembered })

  const known = (key: string): Stored | undefined => {
    const found = spent.get(key)
    if (found === undefined) return undefined
    if (found.until > now()) return found
    spent.delete(key)
    return undefined
  }

  /** Takes the reservation; resolves with what stands there once it is ours, spent, or overdue. */
  const reserve = async (
    key: string,
    request: NonceRequest,
    deadline: number,
  ): Promise<Stored | { holds: string | undefined; checked: boolean }> => {
    const ours = reservedValue(request)
    for (;;) {
      const entry = { key, value: ours, ttlMs: request.reserveMs, expected: undefined }
      const taken = await ask(() => kv.replace([entry]))
      if (taken === undefined) return { holds: undefined, checked: false }
      if (taken[0] === true) return { holds: ours, checked: true }
      const found = await ask(() => kv.get([key]))
      if (found === undefined) return { holds: undefined, checked: false }
      const value = found[0]
      const stored = parseStored(value ?? '')
      if (stored !== undefined) return stored
      if (performance.now() + pollMs >= deadline) return { holds: value, checked: true }
      if (value !== undefined) await sleep(pollMs)
    }
  }

  const turn = (
    key: string,
    request: NonceRequest,
    holds: string | undefined,
    checked: boolean,
    end: (end: End) => void,
  ): Turn => ({
    kind: 'turn',
    checked,
    async confirm() {
      const { eventId, receivedAt, bodyDigest, lifeMs } = request
      const stored: Stored = { id: eventId, receivedAt, bodyDigest }
      spent.set(key, { ...stored, until: now() + lifeMs })
      end(stored)
      // Only over what we met: whoever was stored first stays the first.
      const over = (expected: string | undefined) =>
        ask(() => kv.replace([{ key, value: storedValue(stored), ttlMs: lifeMs, expected }]))
      // A store that answered too late may have kept our reservation nevertheless.
      const done = await over(checked ? holds : reservedValue(request))
      // A slow append outlives its reservation: then nothing is there, unless somebody else's.
      if (done?.[0] === false) await over(undefined)
    },
    async release() {
      end('free')
      const ours = reservedValue(request)
      if (checked && holds !== ours) return
      await ask(() => kv.replace([{ key, value: 'f', ttlMs: 1, expected: ours }]))
    },
    abandon: () => end('free'),
  })

  return {
    async begin(request) {
      const key = keyOf(request)
      const deadline = performance.now() + request.waitMs
      for (;;) {
        const stored = known(key)
        if (stored !== undefined) return { kind: 'stored', ...stored }
        const other = underWay.get(key)
        if (other === undefined) break
        const ended = await within(other, deadline - performance.now())
        // Its outcome is still open, and this sender will not wait any longer: the stage decides.
        if (ended === undefined) return turn(key, request, undefined, true, () => {})
        if (ended !== 'free') return { kind: 'stored', ...ended }
      }
      let finish = (_: End): void => {}
      const mine = new Promise<End>((resolve) => {
        finish = resolve
      })
      underWay.set(key, mine)
      const end = (result: End): void => {
        if (underWay.get(key) === mine) underWay.delete(key)
        finish(result)
      }
      const result = await reserve(key, request, deadline)
      if ('id' in result) {
        spent.set(key, { ...result, until: now() + pollMs })
        end(result)
        return { kind: 'stored', ...result }
      }
      return turn(key, request, result.holds, result.checked, end)
    },
  }
}

const within = <T>(work: Promise<T>, ms: number): Promise<T | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), Math.max(0, ms))
    void work.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
