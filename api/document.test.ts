import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { packageRoot } from '../cli/version.ts'
import { outboundOf } from '../connectors/outbound.ts'
import { parseSigningKey } from '../connectors/signing.ts'
import { makeEvent } from '../core/event/index.ts'

interface Operation {
  parameters?: { $ref?: string; name?: string; in?: string; required?: boolean }[]
  responses: Record<string, { $ref?: string; headers?: Record<string, unknown> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, Record<string, Operation>>
}

const text = await readFile(join(packageRoot(), 'schemas/generated/openapi.json'), 'utf8')
const document = JSON.parse(text) as Document

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
)

describe('the OpenAPI document', () => {
  it('refers to nothing that is not there', () => {
    expect(document.openapi).toBe('3.1.0')
    const refs = new Set([...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map(([, place]) => place))
    expect(refs).toContain('components/schemas/Problem')
    for (const place of refs) {
      let found: unknown = document
      for (const step of String(place).split('/')) found = Reflect.get(Object(found), step)
      expect({ place, found: typeof found }).toEqual({ place, found: 'object' })
    }
  })

  it('tells of limits everywhere, and of keys wherever something is changed', () => {
    expect(operations.length).toBeGreaterThan(10)
    for (const { path, method, operation } of operations) {
      const { responses, parameters = [] } = operation
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(['401', '429']))
      const good = Object.entries(responses).filter(([status]) => status.startsWith('2'))
      expect(good).not.toEqual([])
      for (const [, response] of good)
        expect(Object.keys(response.headers ?? {})).toEqual(
          expect.arrayContaining(['RateLimit', 'RateLimit-Policy']),
        )
      const reads = method === 'get' || path === '/v1/decisions/query'
      const takes = parameters.some(({ $ref }) => $ref === '#/components/parameters/IdempotencyKey')
      expect({ path, method, takes }).toEqual({ path, method, takes: !reads })
      expect('422' in responses && '409' in responses).toBe(takes)
    }
  })

  it('names every header of a delivery, and none that is not sent', () => {
    const event = makeEvent({
      id: 'e',
      tenant: 'acme',
      source: 'github',
      provider: 'github',
      type: 'push',
      key: 'k',
      dedupeKey: 'k',
      dedupeWindowMs: 1,
      receivedAt: 0,
      contentType: 'application/json',
      headers: { 'x-github-event': 'push' },
      tracestate: 'a=b',
      raw: new Uint8Array(),
      facts: {},
      verification: { scheme: 'hmac', bodyCovered: true, idCovered: true },
    })
    // Of a replay, so that all there is is sent.
    const dispatch = { id: 'd', run: 'rpl_1', event } as Parameters<
      typeof outboundOf
    >[0]['dispatch']
    const keys = [parseSigningKey(`whsec_${Buffer.alloc(24).toString('base64')}`)]
    const { headers } = outboundOf({ dispatch, number: 1 }, { keys, now: 0 })
    const sent = Object.keys(headers).filter(
      (name) => name !== 'content-type' && !name.startsWith('zenhook-source-'),
    )
    const told = (document.webhooks.delivery?.post?.parameters ?? []).map((each) => each.name)
    expect(told.sort()).toEqual(sent.sort())
  })
})
