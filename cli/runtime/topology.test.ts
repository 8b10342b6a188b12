import { describe, expect, it } from 'vitest'
import type { Engines } from '../engines.ts'
import type { Role } from './roles.ts'
import { groupsOf, shownTopology, topologyOf } from './topology.ts'

const on = (delayedRecords: boolean) => {
  const engines = { log: { capabilities: { delayedRecords } }, names: {} } as unknown as Engines
  const roles: readonly Role[] = ['ingress', 'processors', 'connectors', 'sink']
  return topologyOf('fused', new Set(roles), engines)
}
const kafka = { brokers: ['127.0.0.1:9092'], clientId: 'zenhook', ssl: false }

describe('the topology that is shown', () => {
  it('has the topics and groups that exist on Kafka', () => {
    const topology = on(false)
    const { nodes } = shownTopology(topology, { kafka, topicPrefix: 'acme.hooks' })
    expect(nodes.map(({ group }) => group)).toEqual([
      '',
      ...['chain', 'connectors', 'delay', 'sink'].map((group) => `acme.hooks.${group}`),
    ])
    const [ingress, chain, deliver] = nodes
    expect(ingress?.to).toEqual(['acme.hooks.received.v1'])
    expect(chain).toMatchObject({
      from: ['acme.hooks.received.v1'],
      to: ['dispatch', 'decisions', 'dead'].map((topic) => `acme.hooks.${topic}.v1`),
    })
    expect(deliver?.to).toContain('acme.hooks.dispatch.retry.5s.v1')
    // Their lag is asked for by the names of the port.
    expect(groupsOf(topology)).toEqual(['chain', 'connectors', 'delay', 'sink'])
  })

  it('is by the names of the embedded log elsewhere', () => {
    const topology = on(true)
    expect(shownTopology(topology, { kafka: undefined, topicPrefix: 'acme' })).toEqual(topology)
  })
})
