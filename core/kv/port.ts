/**
 * Keyed state: claims, counters, records with a life. All forms are batched, index by index.
 *
 * Promises, kept by every adapter and shown by `contract.ts`:
 * - Each operation is atomic per key, also between processes where `capabilities.multiProcess`.
 * - What resolved survives a crash of the process (`kill -9`) where `capabilities.survivesRestart`. A
 *   loss of power or of the store's machine may take back the last moments of it, also where the log
 *   has what came after: copies and order of those moments are then not known.
 * - A life (`ttlMs`) is wall time with a bounded skew; after it, the key is gone.
 * - Rejects with ZENHOOK_KV_UNAVAILABLE (retriable) when the store does not answer in time; the
 *   operation's fate is then unknown.
 */
export interface Kv {
  readonly capabilities: { multiProcess: boolean; survivesRestart: boolean }
  /** Takes each key for its owner unless another holds it, and says who holds it now. */
  claim(claims: readonly Claim[]): Promise<readonly Holder[]>
  get(keys: readonly string[]): Promise<readonly (string | undefined)[]>
  set(entries: readonly Entry[]): Promise<void>
  /** Compare and set: writes only where the present value equals `expected` (`undefined`: absent). */
  replace(
    entries: readonly (Entry & { expected: string | undefined })[],
  ): Promise<readonly boolean[]>
  delete(keys: readonly string[]): Promise<void>
  /** Adds to a counter, giving the new sum. The life starts with the first addition and is not prolonged. */
  add(key: string, by: number, ttlMs: number): Promise<number>
  ping(): Promise<void>
  close(): Promise<void>
}

export interface Claim {
  key: string
  /** Who claims: the same owner claiming again holds it still (a redelivery after a crash). */
  owner: string
  /** The claim's own time, ms: `receivedAt` for dedupe, never the time of processing. */
  at: number
  /** Another owner holds the key against us while |at − theirs| < windowMs. */
  windowMs: number
}

export interface Holder {
  owner: string
  /** When the holder claimed, by its own `at`. */
  at: number
}

export interface Entry {
  key: string
  value: string
  ttlMs: number
}
