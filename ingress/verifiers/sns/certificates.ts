import { type KeyObject, X509Certificate } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { ZenhookError } from '../../../core/errors/index.ts'

const MAX_TEXT = 65_536
const DAY = 86_400_000
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

/** Certificates by URL: each fetched once for all callers and kept for a day, a failure for 30 s. */
export const certificates = (
  fetchKey: (url: string) => Promise<string>,
): ((url: string, now: number) => Promise<KeyObject>) => {
  const known = new LRUCache<string, Promise<Held>>({ max: 16, ttl: DAY })
  let minute = { of: 0, fetches: 0 }
  const fetched = async (url: string, now: number): Promise<Held> => {
    const of = Math.floor(now / 60_000)
    if (minute.of !== of) minute = { of, fetches: 0 }
    if (++minute.fetches > PER_MINUTE) throw new Error('Too many certificates were asked for')
    return parse(await fetchKey(url))
  }
  return async (url, now) => {
    const held = known.get(url) ?? fetched(url, now)
    if (!known.has(url)) known.set(url, held)
    try {
      const { key, from, to } = await held
      if (now < from || now > to) throw new Error('The certificate is not valid at this time')
      return key
    } catch (cause) {
      known.set(url, held, { ttl: 30_000 })
      throw new ZenhookError('ZENHOOK_VERIFY_KEY_FETCH', {
        message: 'The signing certificate of SNS cannot be used',
        retriable: true,
        cause,
      })
    }
  }
}
