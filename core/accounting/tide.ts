import type { Log, TopicEnd } from '../log/port.ts'
import type { Flow, Hop, Receipt } from './types.ts'

/** Where records may be that are on their way while the tide runs out. */
export interface Marks {
  /** Next offsets of `dispatch` when the last target was taken: the connectors are past all before. */
  dispatch: readonly TopicEnd[]
  /** Where the reader of the delay tiers was before that, by topic and partition. */
  tiers: readonly TopicEnd[]
}

/**
 * Follows the records that lie in `received` now to where they come out: each group on the way must pass what
 * lay before it once the group ahead had passed. When the last one has, all that can be known of them is
 * in the tables, however far behind any of the groups was: so lateness is never taken for a loss.
 */
export interface Tide {
  /** What is past comes out, or `undefined` while a group is behind. */
  poll(): Promise<Marks | undefined>
  covers(receipt: Pick<Receipt, 'partition' | 'offset'>): boolean
  /** The group that is behind, with its topic. */
  behind(): Hop | undefined
  readonly startedAt: number
}

export const createTide = async (
  log: Pick<Log, 'ends' | 'lag'>,
  flow: Flow,
  until: ReadonlyMap<number, number>,
  now: number,
): Promise<Tide> => {
  const chain = await runningChain(log, flow)
  const steps: readonly Hop[] = [...chain, flow.deliver, flow.sink]
  const received = [...until].map(([partition, next]) => ({
    topic: 'received',
    partition,
    first: 0,
    next,
  }))
  let targets: readonly TopicEnd[] = received
  let step = 0
  let marks: Marks = { dispatch: [], tiers: [] }

  const begin = async (hop: Hop): Promise<void> => {
    if (hop !== flow.deliver) {
      targets = await log.ends(hop.topic)
      return
    }
    const tiers = await progressOf(log, flow.delays)
    targets = await log.ends(hop.topic)
    marks = { dispatch: targets, tiers }
  }

  return {
    startedAt: now,
    covers: ({ partition, offset }) => offset < (until.get(partition) ?? 0),
    behind: () => steps[step],
    async poll() {
      for (;;) {
        const hop = steps[step]
        if (hop === undefined) return marks
        if (!(await passed(log, hop, targets))) return undefined
        step += 1
        const next = steps[step]
        if (next !== undefined) await begin(next)
      }
    },
  }
}

const offsetsOf = async (
  log: Pick<Log, 'lag'>,
  { group, topic }: Hop,
): Promise<Map<number, number>> => {
  const lags = await log.lag(group)
  return new Map(
    lags.filter((lag) => lag.topic === topic).map(({ partition, offset }) => [partition, offset]),
  )
}

const passed = async (
  log: Pick<Log, 'lag'>,
  hop: Hop,
  targets: readonly TopicEnd[],
): Promise<boolean> => {
  if (targets.every(({ first, next }) => next <= first)) return true
  const offsets = await offsetsOf(log, hop)
  return targets.every(({ partition, first, next }) => (offsets.get(partition) ?? first) >= next)
}

const runningChain = async (log: Pick<Log, 'lag'>, { chains }: Flow): Promise<readonly Hop[]> => {
  let found: readonly Hop[] = chains[0] ?? []
  let furthest = -1
  for (const chain of chains) {
    const [first] = chain
    if (first === undefined) continue
    let sum = 0
    for (const offset of (await offsetsOf(log, first)).values()) sum += offset
    if (sum > furthest) {
      furthest = sum
      found = chain
    }
  }
  return found
}

const progressOf = async (
  log: Pick<Log, 'ends' | 'lag'>,
  { group, topics }: Flow['delays'],
): Promise<readonly TopicEnd[]> => {
  if (topics.length === 0) return []
  const lags = await log.lag(group)
  const all: TopicEnd[] = []
  for (const topic of topics)
    for (const end of await log.ends(topic)) {
      const lag = lags.find((each) => each.topic === topic && each.partition === end.partition)
      all.push({ ...end, first: Math.max(end.first, lag?.offset ?? end.first) })
    }
  return all
}
