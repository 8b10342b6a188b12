import { lookup as systemLookup } from 'node:dns/promises'
import { LRUCache } from 'lru-cache'

/** Every address of a name, CNAMEs followed. Rejects when it has none. */
export type Resolver = (hostname: string) => Promise<readonly string[]>

/** Names that are asked for at once, and of those known to be slow. */
const quickSlots = 2
const slowSlots = 1
/** A name server that takes longer is a slow one, ms; and so long it is taken for one. */
const slowAfterMs = 1_000
const slowForMs = 600_000
/** A name that is known to be slow waits so long for the others of its kind, ms: a line of them would only grow. */
const slowPatienceMs = 3_000

const lookup: Resolver = async (hostname) =>
  (await systemLookup(hostname, { all: true, order: 'verbatim' })).map(({ address }) => address)

const createSlots = (free: number) => {
  let waiting: (() => void)[] = []
  return {
    /** Resolves with false where none came free in time. */
    take: (patienceMs = Number.POSITIVE_INFINITY): Promise<boolean> => {
      if (free === 0)
        return new Promise((resolve) => {
          const timer = Number.isFinite(patienceMs)
            ? setTimeout(() => {
                waiting = waiting.filter((each) => each !== mine)
                resolve(false)
              }, patienceMs)
            : undefined
          const mine = (): void => {
            clearTimeout(timer)
            resolve(true)
          }
          waiting.push(mine)
        })
      free -= 1
      return Promise.resolve(true)
    },
    tryTake: (): boolean => {
      if (free === 0) return false
      free -= 1
      return true
    },
    give(): void {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    },
  }
}

/**
 * Asks the system, as every other program of the machine does (hosts file, search domains). Each question
 * holds one of the four threads that also write files, for as long as its name server is silent: so only a
 * few are asked at once, one per name. A name that turned out slow has a place apart from then on, and is given up
 * where that is not free for long: its attempt fails, and comes again.
 */
export const createSystemResolver = (ask: Resolver = lookup): Resolver => {
  const underWay = new Map<string, Promise<readonly string[]>>()
  const slow = new LRUCache<string, true>({ max: 2_000, ttl: slowForMs })
  const quick = createSlots(quickSlots)
  const aside = createSlots(slowSlots)

  const resolve: Resolver = async (hostname) => {
    let held = slow.has(hostname) ? aside : quick
    if (!(await held.take(held === aside ? slowPatienceMs : undefined)))
      throw new Error('its name server is slow, and others like it are being waited for')
    const startedAt = performance.now()
    const timer = setTimeout(() => {
      slow.set(hostname, true)
      if (held !== quick || !aside.tryTake()) return
      held = aside
      quick.give()
    }, slowAfterMs)
    try {
      return await ask(hostname)
    } finally {
      clearTimeout(timer)
      held.give()
      if (performance.now() - startedAt < slowAfterMs) slow.delete(hostname)
    }
  }

  return (hostname) => {
    const known = underWay.get(hostname)
    if (known !== undefined) return known
    const asked = resolve(hostname).finally(() => underWay.delete(hostname))
    underWay.set(hostname, asked)
    return asked
  }
}

/** One for the process, for its threads are. */
export const systemResolver: Resolver = createSystemResolver()
