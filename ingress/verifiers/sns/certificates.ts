import { type KeyObject, X509Certificate } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ZenhookError } from '../../../core/errors/index.ts'

const MAX_TEXT = 65_536
const DAY = 86_400_000
const FAILED = 30_000
const MOST = 16
/** Fetches a minute at most: whoever knows a topic's name could else make us ask for one path after another. */
const PER_MINUTE = 10

interface Held {
  readonly key: KeyObject
  readonly from: number
  readonly to: number
}

const parse = (text: string): Held => {
  if (text.length > MAX_TEXT) throw new Error('The certificate is too large')
  const certificate = new X509Certificate(text)
  return {
    key: certificate.publicKey,
    from: Date.parse(certificate.validFrom),
    to: Date.parse(certificate.validTo),
  }
}

const unusable = (cause: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_VERIFY_KEY_FETCH', {
    message: 'The signing certificate of SNS cannot be used',
    retriable: true,
    cause,
  })

/**
 * Certificates by URL: each fetched once for all callers and kept for a day, a failure for 30 s. One that was read
 * before serves on while it cannot be fetched again.
 */
export const certificates = (
  fetchKey: (url: string) => Promise<string>,
  { keepMs = DAY, failedMs = FAILED } = {},
): ((url: string, now: number) => Promise<KeyObject>) => {
  const known = new LRUCache<string, Promise<Held>>({ max: MOST, ttl: keepMs })
  const good = new LRUCache<string, Held>({ max: MOST })
  let minute = { of: 0, fetches: 0 }
  const mayFetch = (now: number): boolean => {
    const of = Math.floor(now / 60_000)
    if (minute.of !== of) minute = { of, fetches: 0 }
    return ++minute.fetches <= PER_MINUTE
  }
  const fetched = async (url: string): Promise<Held> => {
    const held = parse(await fetchKey(url))
    good.set(url, held)
    return held
  }
  const heldAt = (url: string, now: number): Promise<Held> => {
    const present = known.get(url)
    if (present !== undefined) return present
    if (!mayFetch(now)) return Promise.reject(new Error('Too many certificates were asked for'))
    const asked = fetched(url)
    known.set(url, asked)
    // Once, when it fails: whoever asks meanwhile must not prolong it.
    asked.catch(() => {
      if (known.peek(url) === asked) known.set(url, asked, { ttl: failedMs })
    })
    return asked
  }
  return async (url, now) => {
    let held: Held | undefined
    try {
      held = await heldAt(url, now)
    } catch (cause) {
      held = good.get(url)
      if (held === undefined) throw unusable(cause)
    }
    if (now < held.from || now > held.to)
      throw unusable(new Error('The certificate is not valid at this time'))
    return held.key
  }
}
