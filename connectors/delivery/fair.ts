/** Whose an item is: a tenant's, and of its lines (its destinations) one's. */
export interface Owner {
  tenant: string
  line: string
}

/**
 * Whose record starts next, of those that share a partition's places. Order holds within a line, but for
 * what waits behind one of its own key.
 *
 * - A place that is free goes to the tenant that has the fewest at work for its weight, and of its lines
 *   to the one that has the fewest.
 * - No tenant and no line ever has all: `reserve` places are for those that have less than their share.
 * - Of one key one item is at work at a time, the first of those that wait by rank; those take no place.
 */
export interface Fair<T> {
  /**
   * Where too many of its key or of its line wait behind others of their key, the one with the highest rank of
   * the key has no place among them: it is given back.
   */
  push(owner: Owner, item: T, turn?: KeyTurn): T | undefined
  /** The next item that may start; it counts as at work until it is ended. */
  next(): Started<T> | undefined
  /** The next item of a line that is one of these, for which no place is needed: it does not count. */
  nextOf(isOne: (line: string) => boolean): Started<T> | undefined
  waiting(): number
  /** Forgets what waits; what is at work stays counted. */
  clear(): void
}

export interface KeyTurn {
  key: string
  /** Of two that wait the lower goes first; of equals the one that came first. */
  rank: number
}

export interface Started<T> {
  item: T
  end(): void
}

export interface FairOptions {
  /** Items at work at once, of one line or of all. */
  places: number
  /** Places more, for tenants and lines below their share. */
  reserve: number
  weightOf(tenant: string): number
  /** How many may wait behind one of their own key: of one key, and of one line; none are bounded by default. */
  behind?: { key: number; line: number }
}

interface Item<T> {
  item: T
  turn: KeyTurn | undefined
}

const insert = <T>(behind: Item<T>[], item: Item<T>, rank: number): void => {
  let at = behind.length
  while (at > 0 && (behind[at - 1]?.turn?.rank ?? rank) > rank) at -= 1
  behind.splice(at, 0, item)
}

interface Share {
  atWork: number
  /** Starts so far for its weight: of two with the same at work, the one that had less goes first. */
  served: number
}

interface Line<T> extends Share {
  name: string
  tenant: Tenant<T>
  queue: Item<T>[]
  /** Start of what waits in `queue`. */
  head: number
  /** By the key of what is at work or in `queue`: what waits behind it. */
  behind: Map<string, Item<T>[] | undefined>
  /** How many wait in `behind`. */
  held: number
}

interface Tenant<T> extends Share {
  name: string
  weight: number
  waiting: number
  lines: Map<string, Line<T>>
  /** What a line that begins now is taken to have had. */
  base: number
}

const smallestWeight = 0.01
const longestHead = 1_000
const unbounded = { key: Number.POSITIVE_INFINITY, line: Number.POSITIVE_INFINITY }

/** Negative where `one` goes first: it has fewer at work for its weight, or else had less. */
const compare = (one: Share & { weight?: number }, other: Share & { weight?: number }): number =>
  one.atWork / (one.weight ?? 1) - other.atWork / (other.weight ?? 1) || one.served - other.served

const waitsIn = <T>({ head, queue }: Line<T>): boolean => head < queue.length

export const createFair = <T>(options: FairOptions): Fair<T> => {
  const { places, reserve, weightOf, behind: most = unbounded } = options
  const tenants = new Map<string, Tenant<T>>()
  let waiting = 0
  let atWork = 0
  /** What a tenant that begins now is taken to have had. */
  let base = 0

  const tenantOf = (name: string): Tenant<T> => {
    const known = tenants.get(name)
    if (known !== undefined) return known
    const weight = Math.max(smallestWeight, weightOf(name))
    const lines = new Map<string, Line<T>>()
    const made = { name, weight, lines, atWork: 0, served: base, waiting: 0, base: 0 }
    tenants.set(name, made)
    return made
  }

  const lineOf = ({ tenant: name, line }: Owner): Line<T> => {
    const tenant = tenantOf(name)
    const known = tenant.lines.get(line)
    if (known !== undefined) return known
    const empty = { queue: [], head: 0, behind: new Map(), held: 0 }
    const made: Line<T> = { name: line, tenant, ...empty, atWork: 0, served: tenant.base }
    tenant.lines.set(line, made)
    return made
  }

  const forgetIdle = (line: Line<T>): void => {
    const { tenant } = line
    const isIdle = line.atWork === 0 && !waitsIn(line) && line.behind.size === 0
    // What needed no place may outlive its line, and another of its name may be there by then.
    if (isIdle && tenant.lines.get(line.name) === line) tenant.lines.delete(line.name)
    if (tenant.lines.size === 0 && tenants.get(tenant.name) === tenant) tenants.delete(tenant.name)
  }

  const enqueue = (line: Line<T>, item: Item<T>): void => {
    line.queue.push(item)
    line.tenant.waiting += 1
  }

  /** The next of its key may start now. */
  const pass = (line: Line<T>, turn: KeyTurn | undefined): void => {
    if (turn === undefined) return
    const { key } = turn
    const next = line.behind.get(key)?.shift()
    if (next === undefined) {
      line.behind.delete(key)
      return
    }
    line.held -= 1
    enqueue(line, next)
  }

  const shift = (line: Line<T>): Item<T> => {
    const item = line.queue[line.head] as Item<T>
    line.head += 1
    if (!waitsIn(line) || line.head > longestHead) {
      line.queue.splice(0, line.head)
      line.head = 0
    }
    waiting -= 1
    line.tenant.waiting -= 1
    return item
  }

  const start = (line: Line<T>): Started<T> => {
    const { tenant } = line
    const { item, turn } = shift(line)
    base = Math.max(base, tenant.served)
    tenant.base = Math.max(tenant.base, line.served)
    tenant.served += 1 / tenant.weight
    line.served += 1
    atWork += 1
    tenant.atWork += 1
    line.atWork += 1
    return {
      item,
      end() {
        atWork -= 1
        tenant.atWork -= 1
        line.atWork -= 1
        pass(line, turn)
        forgetIdle(line)
      },
    }
  }

  const first = (): Line<T> | undefined => {
    let tenant: Tenant<T> | undefined
    for (const each of tenants.values()) {
      if (each.waiting === 0) continue
      if (tenant === undefined || compare(each, tenant) < 0) tenant = each
    }
    let line: Line<T> | undefined
    for (const each of tenant?.lines.values() ?? []) {
      if (!waitsIn(each)) continue
      if (line === undefined || compare(each, line) < 0) line = each
    }
    return line
  }

  /**
   * Of those below their share, the line with the fewest, of the tenant with the fewest: one with many lines shuts out
   * no other. Whoever has nothing at work is below.
   */
  const neediest = (): Line<T> | undefined => {
    let weights = 0
    for (const { weight } of tenants.values()) weights += weight
    let found: Line<T> | undefined
    for (const tenant of tenants.values()) {
      if (tenant.waiting === 0) continue
      const share = (places * tenant.weight) / weights
      const lineShare = Math.max(1, share / tenant.lines.size)
      const below = tenant.atWork < Math.max(1, share)
      for (const line of tenant.lines.values()) {
        if (!waitsIn(line) || !(line.atWork < lineShare || (below && tenant.lines.size === 1)))
          continue
        if (found === undefined || (compare(tenant, found.tenant) || compare(line, found)) < 0)
          found = line
      }
    }
    return found
  }

  return {
    push(owner, item, turn) {
      const line = lineOf(owner)
      if (turn !== undefined && line.behind.has(turn.key)) {
        const behind = line.behind.get(turn.key) ?? []
        insert(behind, { item, turn }, turn.rank)
        if (behind.length > most.key || line.held >= most.line) return behind.pop()?.item
        line.behind.set(turn.key, behind)
        line.held += 1
      } else {
        if (turn !== undefined) line.behind.set(turn.key, undefined)
        enqueue(line, { item, turn })
      }
      waiting += 1
      return undefined
    },
    next() {
      if (waiting === 0 || atWork >= places + reserve) return undefined
      const line = atWork < places ? first() : neediest()
      return line === undefined ? undefined : start(line)
    },
    nextOf(isOne) {
      for (const { lines } of tenants.values())
        for (const line of lines.values()) {
          if (!waitsIn(line) || !isOne(line.name)) continue
          const { item, turn } = shift(line)
          return {
            item,
            end() {
              pass(line, turn)
              forgetIdle(line)
            },
          }
        }
      return undefined
    },
    waiting: () => waiting,
    clear() {
      waiting = 0
      for (const tenant of tenants.values()) {
        tenant.waiting = 0
        for (const line of tenant.lines.values()) {
          for (const { turn } of line.queue.slice(line.head))
            if (turn !== undefined) line.behind.delete(turn.key)
          // What is at work still keeps its key.
          for (const key of line.behind.keys()) line.behind.set(key, undefined)
          line.held = 0
          line.queue = []
          line.head = 0
          forgetIdle(line)
        }
      }
    },
  }
}
