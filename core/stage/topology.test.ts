import { describe, expect, it } from 'vitest'
import { topics } from '../log/topics.ts'
import { describeChain } from './topology.ts'

describe('the topology of the chain', () => {
  it('is one link when fused', () => {
    expect(describeChain('fused', 'zen').links).toEqual([
      {
        group: 'zen.chain',
        stages: ['dedupe', 'enrich', 'score', 'route'],
        from: 'received',
        to: 'dispatch',
        also: ['decisions', 'dead'],
      },
    ])
  })

  it('is a link per stage when split, without holes', () => {
    const { links } = describeChain('split')
    expect(links.map(({ group }) => group)).toEqual(['dedupe', 'enrich', 'score', 'route'])
    for (const [index, link] of links.slice(1).entries()) expect(link.from).toBe(links[index]?.to)
  })

  it('names topics that exist', () => {
    const names = topics().map(({ name }) => name)
    for (const mode of ['fused', 'split'] as const)
      for (const { from, to, also } of describeChain(mode).links)
        for (const topic of [from, to, ...also]) expect(names).toContain(topic)
  })
})
