import { lookup as systemLookup } from 'node:dns/promises'
import { LRUCache } from 'lru-cache'

/** Every address of a name, CNAMEs followed. Rejects when it has none. */
export type Resolver = (hostname: string) => Promise<readonly string[]>

/** What is known of a name: it answered quickly, it turned out slow, or nothing yet. */
type Pace = 'quick' | 'slow' | 'new'

/** Names that are asked for at once; of those that never answered quickly, and of those known to be slow. */
const places = 3
const doubtfulPlaces = 2
const slowPlaces = 1
/** A name server that takes longer is a slow one, ms; and so long it is taken for one. */
const slowAfterMs = 1_000
const slowForMs = 600_000
/** A name that is known to be slow waits so long for the others of its kind, ms: a line of them would only grow. */
const slowPatienceMs = 3_000
const maxNames = 10_000

const lookup: Resolver = async (hostname) =>
  (await systemLookup(hostname, { all: true, order: 'verbatim' })).map(({ address }) => address)

/** Places by what is known of a name; of those that wait, the first one that may go goes. */
const createPlaces = () => {
  const held: Record<Pace, number> = { quick: 0, slow: 0, new: 0 }
  const waiting = new Set<{ pace: Pace; go(): void }>()

  const isFree = (pace: Pace): boolean => {
    const doubtful = held.new + held.slow
    if (doubtful + held.quick >= places) return false
    if (pace === 'quick') return true
    return doubtful < doubtfulPlaces && (pace === 'new' || held.slow < slowPlaces)
  }

  const letGo = (): void => {
    for (const each of waiting) if (isFree(each.pace)) each.go()
  }

  return {
    /** Resolves with false where none came free in time. */
    take: (pace: Pace, patienceMs = Number.POSITIVE_INFINITY): Promise<boolean> =>
      new Promise((resolve) => {
        const leave = (hasPlace: boolean): void => {
          clearTimeout(timer)
          waiting.delete(mine)
          if (hasPlace) held[pace] += 1
          resolve(hasPlace)
        }
        const mine = { pace, go: () => leave(true) }
        const timer = Number.isFinite(patienceMs)
          ? setTimeout(() => leave(false), patienceMs)
          : undefined
        waiting.add(mine)
        letGo()
      }),
    /** Whoever holds a place turned out to be of another kind. */
    move(from: Pace, to: Pace): void {
      held[from] -= 1
      held[to] += 1
      letGo()
    },
    give(pace: Pace): void {
      held[pace] -= 1
      letGo()
    },
  }
}

/**
 * Asks the system, as every other program of the machine does (hosts file, search domains). Each question
 * holds one of the four threads that also write files, for as long as its name server is silent: so only a
 * few are asked at once, one per name. One place is kept for names that answered quickly before, whatever others
 * are asked for. A name that turned out slow has a place apart from then on, and is given up where that is not free
 * for long: its attempt fails, and comes again.
 */
export const createSystemResolver = (ask: Resolver = lookup): Resolver => {
  const underWay = new Map<string, Promise<readonly string[]>>()
  const paces = new LRUCache<string, 'quick' | 'slow'>({ max: maxNames })
  const asked = createPlaces()

  const resolve: Resolver = async (hostname) => {
    const known = paces.get(hostname) ?? 'new'
    if (!(await asked.take(known, known === 'slow' ? slowPatienceMs : undefined)))
      throw new Error('its name server is slow, and others like it are being waited for')
    let pace: Pace = known
    const startedAt = performance.now()
    const timer = setTimeout(() => {
      paces.set(hostname, 'slow', { ttl: slowForMs })
      asked.move(pace, 'slow')
      pace = 'slow'
    }, slowAfterMs)
    try {
      const found = await ask(hostname)
      if (performance.now() - startedAt < slowAfterMs) paces.set(hostname, 'quick')
      return found
    } catch (error) {
      // Found slow before, and answered at once now, if only that there is no such name.
      if (performance.now() - startedAt < slowAfterMs && known === 'slow') paces.delete(hostname)
      throw error
    } finally {
      clearTimeout(timer)
      asked.give(pace)
    }
  }

  return (hostname) => {
    const known = underWay.get(hostname)
    if (known !== undefined) return known
    const asking = resolve(hostname).finally(() => underWay.delete(hostname))
    underWay.set(hostname, asking)
    return asking
  }
}

/** One for the process, for its threads are. */
export const systemResolver: Resolver = createSystemResolver()
