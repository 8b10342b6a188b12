import { randomBytes } from 'node:crypto'
import type { OutboundMessage, PutInBin } from '../types.ts'

/** One request that a bin got. */
export interface BinRequest {
  /** From 1 within the bin, never given twice. */
  number: number
  /** Milliseconds since the epoch. */
  at: number
  method: string
  /** Path and query below the bin, empty where there is none. */
  path: string
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  /** Size of the body as it came; `body` holds its start where it was too long. */
  size: number
}

/** What a request is answered with: the fault knobs. */
export interface BinAnswer {
  status: number
  delayMs: number
}

export interface BinsOptions {
  /** Bins at once; an empty one gives way, else the one unused for longest. */
  maxBins?: number
  /** Requests kept per bin; the oldest give way. */
  maxRequests?: number
  /** Bytes kept over all bins; the oldest requests give way. */
  maxBytes?: number
  /** Bytes kept of one body. */
  maxBody?: number
  maxDelayMs?: number
  now?: () => number
  randomId?: () => string
}

/** Request bins in memory: random ids unless configured, and a cap on everything. */
export interface Bins {
  /** Makes an empty one, and gives its id. */
  create(): string
  /** The bin of a label, made on first use; its id is random all the same. */
  named(label: string): string
  /** `undefined` when there is no such bin. */
  put(
    id: string,
    message: OutboundMessage & { path?: string },
    knobs?: Partial<BinAnswer>,
  ): BinAnswer | undefined
  /** Newest last. `undefined` when there is no such bin. */
  requests(id: string): readonly BinRequest[] | undefined
  putInBin: PutInBin
}

interface Bin {
  requests: BinRequest[]
  next: number
}

export const createBins = ({
  maxBins = 100,
  maxRequests = 200,
  maxBytes = 32 * 1024 * 1024,
  maxBody = 256 * 1024,
  maxDelayMs = 10_000,
  now = Date.now,
  randomId = () => randomBytes(12).toString('base64url'),
}: BinsOptions = {}): Bins => {
  // Maps keep insertion order, and a bin that is used goes to the end: the first is the oldest.
  const bins = new Map<string, Bin>()
  const labels = new Map<string, string>()
  let bytes = 0

  const weightOf = (request: BinRequest): number => request.body.length + 512
  const forget = (bin: Bin): void => {
    const oldest = bin.requests.shift()
    if (oldest !== undefined) bytes -= weightOf(oldest)
  }
  const drop = (id: string): void => {
    for (const request of bins.get(id)?.requests ?? []) bytes -= weightOf(request)
    bins.delete(id)
  }
  const open = (id: string = randomId()): string => {
    bins.set(id, { requests: [], next: 1 })
    if (bins.size > maxBins) {
      const others = [...bins].filter(([other]) => other !== id)
      // Empty ones give way first, but for a few: those were made just now.
      const empty = others.filter(([, { requests }]) => requests.length === 0)
      const used = others.filter(([, { requests }]) => requests.length > 0)
      const [given] =
        (empty.length > Math.ceil(maxBins / 10) ? empty[0] : used[0]) ?? others[0] ?? []
      if (given !== undefined) drop(given)
    }
    return id
  }
  const makeRoom = (): void => {
    for (const bin of bins.values()) {
      while (bytes > maxBytes && bin.requests.length > 0) forget(bin)
      if (bytes <= maxBytes) return
    }
  }

  const self: Bins = {
    create: () => open(),
    named(label) {
      const known = labels.get(label)
      if (known !== undefined && bins.has(known)) return known
      const id = open()
      labels.set(label, id)
      for (const [other, target] of labels) if (!bins.has(target)) labels.delete(other)
      return id
    },
    put(id, { method, headers, body, path = '' }, knobs = {}) {
      const bin = bins.get(id)
      if (bin === undefined) return undefined
      bins.delete(id)
      bins.set(id, bin)
      const kept = body.length > maxBody ? body.slice(0, maxBody) : body
      const request = {
        number: bin.next,
        at: now(),
        method,
        path,
        headers,
        body: kept,
        size: body.length,
      }
      bin.next += 1
      bin.requests.push(request)
      bytes += weightOf(request)
      while (bin.requests.length > maxRequests) forget(bin)
      if (bytes > maxBytes) makeRoom()
      const { status = 200, delayMs = 0 } = knobs
      return { status, delayMs: Math.min(delayMs, maxDelayMs) }
    },
    requests: (id) => bins.get(id)?.requests,
    putInBin({ id, label }, message) {
      const target = id ?? self.named(label)
      if (!bins.has(target)) open(target)
      self.put(target, message)
      return target
    },
  }
  return self
}
