import type { LogCapabilities } from '../log/port.ts'
import { tiers } from '../log/topics.ts'
import type { Flow, Hop } from './types.ts'

/** The way of Zenhook's events. The chains come from where they are described: accounting runs none. */
export const flowOf = (
  chains: readonly (readonly { group: string; from: string }[])[],
  { delayedRecords }: Pick<LogCapabilities, 'delayedRecords'>,
): Flow => ({
  chains: chains.map((links) => links.map(({ group, from }): Hop => ({ group, topic: from }))),
  deliver: { group: 'connectors', topic: 'dispatch' },
  delays: {
    group: 'delay',
    topics: delayedRecords ? [] : tiers.map(({ name }) => `dispatch.retry.${name}`),
  },
  sink: { group: 'sink', topic: 'decisions' },
})
