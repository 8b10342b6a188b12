import { isIP } from 'node:net'
import { LRUCache } from 'lru-cache'
import { parseRange, within } from '../core/net/address.ts'

/** Who sends a request, as far as limits are concerned. */
export interface Clients {
  /**
   * The peer's address; where the peer is a trusted proxy, the last address of X-Forwarded-For that is none.
   * An IPv6 address stands for its /64: whoever has one address of it has them all.
   */
  of(peer: string | undefined, rawHeaders: readonly string[]): string
  /** Whether the peer speaks for others: its connections are not counted as one client's. */
  isProxy(peer: string | undefined): boolean
}

/** Entries of X-Forwarded-For that are looked at, from the last. */
const maxHops = 16
const remembered = 20_000

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** The four groups of an IPv6 address that name its network. */
const networkOf = (address: string): string => {
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? []
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length)
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}

const keyOf = (address: string): string => {
  if (!address.includes(':')) return address
  return mapped.exec(address)?.[1] ?? networkOf(address)
}

/** An entry without its port; `undefined` for what is no address. */
const addressIn = (entry: string): string | undefined => {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text
  return isIP(bare) === 0 ? undefined : (mapped.exec(bare)?.[1] ?? bare)
}

/** Ranges are CIDRs or single addresses; throws on anything else. */
export const createClients = (trustedProxies: readonly string[] = []): Clients => {
  const ranges = trustedProxies.map(parseRange)
  // Parsing an address costs more than everything else here.
  const keys = new LRUCache<string, string>({ max: remembered })
  const trusted = new LRUCache<string, boolean>({ max: remembered })

  const cached = (address: string): string => {
    const known = keys.get(address)
    if (known !== undefined) return known
    const key = keyOf(address)
    keys.set(address, key)
    return key
  }
  const isTrusted = (address: string): boolean => {
    const known = trusted.get(address)
    if (known !== undefined) return known
    const answer = within(mapped.exec(address)?.[1] ?? address, ranges)
    trusted.set(address, answer)
    return answer
  }

  const forwarded = (peer: string, rawHeaders: readonly string[]): string => {
    const entries: string[] = []
    for (let at = 0; at < rawHeaders.length; at += 2)
      if (rawHeaders[at]?.toLowerCase() === 'x-forwarded-for')
        entries.push(...(rawHeaders[at + 1] ?? '').split(','))
    let client = peer
    for (const entry of entries.slice(-maxHops).reverse()) {
      const address = addressIn(entry)
      // What stands before an entry that nobody can read was written by nobody we trust.
      if (address === undefined) return client
      client = address
      if (!isTrusted(address)) return client
    }
    return client
  }

  return {
    of(peer = '', rawHeaders) {
      if (ranges.length === 0 || !isTrusted(peer)) return peer.includes(':') ? cached(peer) : peer
      return cached(forwarded(peer, rawHeaders))
    },
    isProxy: (peer = '') => ranges.length > 0 && isTrusted(peer),
  }
}
