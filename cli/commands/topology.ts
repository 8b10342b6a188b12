import { Command } from 'commander'
import type { Topology } from '../../api/types.ts'
import { contextOf, withInstance } from '../context.ts'
import { listing, single } from '../output.ts'

const describe = ({ chain, roles, engines, nodes }: Topology): string =>
  [
    `chain     ${chain}\n`,
    `roles     ${roles.join(', ')}\n`,
    ...Object.entries(engines).map(([port, engine]) => `${port.padEnd(10)}${engine}\n`),
    '\n',
    listing(
      nodes,
      [
        { title: 'node', value: (n) => n.name },
        { title: 'role', value: (n) => n.role },
        { title: 'group', value: (n) => n.group },
        { title: 'from', value: (n) => n.from.join(', ') },
        { title: 'to', value: (n) => n.to.join(', ') },
      ],
      'table',
    ),
  ].join('')

export const topologyCommand = (): Command =>
  withInstance(new Command('topology'))
    .description('the chain as it runs: stages, topics, groups, roles, engines')
    .action(async (_options, command: Command) => {
      const { client, streams, format } = contextOf(command)
      const topology = await (await client()).request<Topology>('GET', '/v1/topology')
      streams.out(single(topology, describe, format))
    })
