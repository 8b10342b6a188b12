import { expect, it } from 'vitest'
import type { AuditStep } from '../core/accounting/index.ts'
import { apiOf } from './testing.ts'

it('HEAD /v1/audit begins none, which nobody would end', async () => {
  let begun = 0
  const api = apiOf({
    async *audit(): AsyncGenerator<AuditStep> {
      begun += 1
      yield { kind: 'progress', read: 0, of: 0 }
    },
  })
  const head = await api.send('HEAD', '/v1/audit')
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'application/jsonl'])
  expect(begun).toBe(0)
  for (const audits of [1, 2]) {
    const answer = await api.send('GET', '/v1/audit')
    expect([answer.status, await answer.text()]).toEqual([
      200,
      '{"kind":"progress","read":0,"of":0}\n',
    ])
    expect(begun).toBe(audits)
  }
})
