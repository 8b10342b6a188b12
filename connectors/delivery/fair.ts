/**
 * Whose record starts next, of the tenants that share a partition's places. Order holds within a tenant.
 *
 * - A place that is free goes to the tenant that has the fewest at work for its weight.
 * - One tenant never has all: `reserve` places are for those that have less than their share.
 */
export interface Fair<T> {
  push(tenant: string, item: T): void
  /** The next item that may start; it counts as at work until `ended`. */
  next(): { tenant: string; item: T } | undefined
  ended(tenant: string): void
  waiting(): number
  /** Forgets what waits; what is at work stays counted. */
  clear(): void
}

export interface FairOptions {
  /** Items at work at once, of one tenant or of all. */
  places: number
  /** Places more, for tenants below their share. */
  reserve: number
  weightOf(tenant: string): number
}

interface Line<T> {
  tenant: string
  queue: T[]
  /** Start of what waits in `queue`. */
  head: number
  atWork: number
  weight: number
  /** Starts so far for its weight: of two with the same at work, the one that had less goes first. */
  served: number
}

const smallestWeight = 0.01

export const createFair = <T>({ places, reserve, weightOf }: FairOptions): Fair<T> => {
  const lines = new Map<string, Line<T>>()
  let waiting = 0
  let atWork = 0
  /** What a tenant that begins now is taken to have had. */
  let served = 0

  const lineOf = (tenant: string): Line<T> => {
    const known = lines.get(tenant)
    if (known !== undefined) return known
    const weight = Math.max(smallestWeight, weightOf(tenant))
    const made = { tenant, queue: [], head: 0, atWork: 0, weight, served }
    lines.set(tenant, made)
    return made
  }

  const forgetIdle = (line: Line<T>): void => {
    if (line.atWork === 0 && line.head === line.queue.length) lines.delete(line.tenant)
  }

  const mayStart = (line: Line<T>, weights: number): boolean => {
    if (atWork < places) return true
    // Whoever waits with nothing at work gets in, whatever its weight.
    const share = Math.max(1, (places * line.weight) / weights)
    return atWork < places + reserve && line.atWork < share
  }

  /** The line whose turn it is, whether or not there is room for it. */
  const first = (): { line: Line<T>; weights: number } | undefined => {
    let best: Line<T> | undefined
    let weights = 0
    for (const line of lines.values()) {
      weights += line.weight
      if (line.head === line.queue.length) continue
      if (best === undefined) {
        best = line
        continue
      }
      const less = line.atWork / line.weight - best.atWork / best.weight
      if (less < 0 || (less === 0 && line.served < best.served)) best = line
    }
    return best === undefined ? undefined : { line: best, weights }
  }

  return {
    push(tenant, item) {
      lineOf(tenant).queue.push(item)
      waiting += 1
    },
    next() {
      if (waiting === 0 || atWork >= places + reserve) return undefined
      const found = first()
      if (found === undefined || !mayStart(found.line, found.weights)) return undefined
      const { line } = found
      const item = line.queue[line.head] as T
      line.head += 1
      if (line.head === line.queue.length || line.head > 1_000) {
        line.queue.splice(0, line.head)
        line.head = 0
      }
      waiting -= 1
      atWork += 1
      line.atWork += 1
      served = Math.max(served, line.served)
      line.served += 1 / line.weight
      return { tenant: line.tenant, item }
    },
    ended(tenant) {
      atWork -= 1
      const line = lines.get(tenant)
      if (line === undefined) return
      line.atWork -= 1
      forgetIdle(line)
    },
    waiting: () => waiting,
    clear() {
      waiting = 0
      for (const line of lines.values()) {
        line.queue = []
        line.head = 0
        forgetIdle(line)
      }
    },
  }
}
