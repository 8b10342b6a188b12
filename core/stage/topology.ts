/** How the chain lies over the log: which stage reads what, writes what, and in which group. */
export interface ChainTopology {
  chain: ChainMode
  links: readonly ChainLink[]
}

/** `fused`: all stages in one process, one settle per batch. `split`: every topic in between. */
export type ChainMode = 'fused' | 'split'

export interface ChainLink {
  group: string
  stages: readonly StageName[]
  from: string
  /** Where events go on to. */
  to: string
  /** Topics that it also writes. */
  also: readonly string[]
}

export type StageName = (typeof chainStages)[number]['name']

export const chainStages = [
  { name: 'dedupe', from: 'received', to: 'unique' },
  { name: 'enrich', from: 'unique', to: 'enriched' },
  { name: 'score', from: 'enriched', to: 'scored' },
  { name: 'route', from: 'scored', to: 'dispatch' },
] as const

const also = ['decisions', 'dead'] as const

/** The chain as data: what the runner subscribes to and `zenhook topology` shows. */
export const describeChain = (chain: ChainMode, groupPrefix?: string): ChainTopology => {
  const group = (name: string): string => (groupPrefix ? `${groupPrefix}.${name}` : name)
  const links: ChainLink[] =
    chain === 'split'
      ? chainStages.map(({ name, from, to }) => ({
          group: group(name),
          stages: [name],
          from,
          to,
          also,
        }))
      : [
          {
            group: group('chain'),
            stages: chainStages.map(({ name }) => name),
            from: 'received',
            to: 'dispatch',
            also,
          },
        ]
  return { chain, links }
}
