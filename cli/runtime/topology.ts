import type { Topology, TopologyNode } from '../../api/types.ts'
import { sinkGroup, sinkTopics } from '../../core/decisions/sink.ts'
import { createNames } from '../../core/log/kafka/names.ts'
import type { Log } from '../../core/log/port.ts'
import { tiers } from '../../core/log/topics.ts'
import { type ChainMode, describeChain } from '../../core/stage/topology.ts'
import type { Engines } from '../engines.ts'
import type { Settings } from '../settings.ts'
import type { Role } from './roles.ts'

const retryTopics = tiers.map(({ name }) => `dispatch.retry.${name}`)

const nodesOf = (chain: ChainMode, log: Log): readonly TopologyNode[] => [
  { name: 'ingress', role: 'ingress', group: '', from: [], to: ['received'] },
  ...describeChain(chain).links.map(
    ({ group, stages, from, to, also }): TopologyNode => ({
      name: stages.join(' → '),
      role: 'processors',
      group,
      from: [from],
      to: [to, ...also],
    }),
  ),
  {
    name: 'deliver',
    role: 'connectors',
    group: 'connectors',
    from: ['dispatch'],
    to: log.capabilities.delayedRecords
      ? ['dispatch', 'decisions', 'dead']
      : [...retryTopics, 'decisions', 'dead'],
  },
  ...(log.capabilities.delayedRecords
    ? []
    : [
        {
          name: 'delay',
          role: 'connectors',
          group: 'delay',
          from: retryTopics,
          to: ['dispatch', ...retryTopics],
        },
      ]),
  { name: 'sink', role: 'sink', group: sinkGroup, from: sinkTopics, to: [] },
]

/** The chain as this process runs it. */
export const topologyOf = (
  chain: ChainMode,
  roles: ReadonlySet<Role>,
  { log, names }: Engines,
): Topology => ({
  chain,
  roles: [...roles],
  engines: names,
  nodes: nodesOf(chain, log),
})

/** The same by the names that its log knows: on Kafka with prefix and version. */
export const shownTopology = (
  topology: Topology,
  { kafka, topicPrefix }: Pick<Settings, 'kafka' | 'topicPrefix'>,
): Topology => {
  if (kafka === undefined) return topology
  const names = createNames(topicPrefix)
  const nodes = topology.nodes.map((node) => ({
    ...node,
    group: node.group === '' ? '' : names.group(node.group),
    from: node.from.map(names.topic),
    to: node.to.map(names.topic),
  }))
  return { ...topology, nodes }
}

/** Groups whose lag this process can tell. */
export const groupsOf = ({ nodes, roles }: Topology): readonly string[] =>
  nodes.filter(({ role, group }) => group !== '' && roles.includes(role)).map(({ group }) => group)
