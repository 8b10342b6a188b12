import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AnyObject } from '../../core/registry/port.ts'
import { snapshotOf } from '../../core/registry/snapshot.ts'
import { triggerSample } from './trigger.ts'

const arrived: (string | undefined)[] = []
const receiver = createServer((request, response) => {
  arrived.push(request.url)
  response.writeHead(202).end('{"id":"e"}')
})
beforeAll(() => new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve)))
afterAll(() => new Promise<void>((resolve) => receiver.close(() => resolve())))

const sourceOf = (tenant: string, name: string): AnyObject => ({
  kind: 'source',
  spec: {
    ...{ tenant, name, provider: 'github', secrets: ['plain:a secret of this test'] },
    ...{ dedupe: {}, maxBody: 1_000_000, replay: 'strict' },
  },
})

const send = (...sources: readonly (readonly [tenant: string, name: string])[]) =>
  triggerSample(
    {
      registry: {
        snapshot: () =>
          snapshotOf(
            sources.map((each) => sourceOf(...each)),
            1,
          ),
        ready: async () => undefined,
        caughtUp: () => true,
        onChange: () => () => undefined,
        close: async () => undefined,
      },
      secrets: { resolve: async () => 'a secret of this test' },
      publicUrl: undefined,
      target: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`,
      now: Date.now,
    },
    { provider: 'github' },
  )

describe('a sample for no source in particular', () => {
  it.each([
    { sources: [['demo', 'github']], to: ['demo', 'github'] },
    { sources: [['acme', 'hook']], to: ['acme', 'hook'] },
    {
      sources: [
        ['demo', 'github'],
        ['zeta', 'hook'],
      ],
      to: ['zeta', 'hook'],
    },
    {
      sources: [
        ['acme', 'hook'],
        ['demo', 'github'],
      ],
      to: ['acme', 'hook'],
    },
    {
      sources: [
        ['demo', 'github'],
        ['demo', 'mine'],
      ],
      to: ['demo', 'mine'],
    },
  ] as const)('goes to $to of $sources, and says so', async ({ sources, to: [tenant, source] }) => {
    arrived.length = 0
    expect(await send(...sources)).toEqual({
      ...{ tenant, source, answers: [{ status: 202, body: { id: 'e' } }] },
    })
    expect(arrived).toEqual([`/in/${tenant}/${source}`])
  })

  it('goes nowhere where several could be meant', async () => {
    const sources = [
      ['demo', 'github'],
      ['acme', 'hook'],
      ['acme', 'other'],
    ] as const
    await expect(send(...sources)).rejects.toThrow(/Several sources take github: .*acme\/other/)
  })
})
