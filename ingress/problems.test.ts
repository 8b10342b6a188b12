import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { problemType } from '../core/errors/problem.ts'
import { type ProblemCode, problemAnswer, problemBytes, refuse, statuses } from './problems.ts'

const root = join(import.meta.dirname, '..')

describe('problems', () => {
  it.each(Object.keys(statuses) as ProblemCode[])('%s has the page that its type names', (code) => {
    expect(readFileSync(join(root, `${problemType(code)}.md`), 'utf8')).toContain(code)
  })

  it('say when to come again, and in whole seconds', () => {
    const { headers } = problemAnswer(
      refuse('ZENHOOK_INGRESS_UNAVAILABLE', { retryAfterMs: 1_200 }),
      'r',
    )
    expect(headers['retry-after']).toBe('2')
    expect(problemAnswer(refuse('ZENHOOK_INGRESS_MALFORMED'), 'r').headers).not.toHaveProperty(
      'retry-after',
    )
  })

  it('as bytes are one whole HTTP answer', () => {
    const [head = '', body = ''] = problemBytes(refuse('ZENHOOK_INGRESS_MALFORMED'), 'id-1').split(
      '\r\n\r\n',
    )
    expect(head.split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`)
    expect(head).toContain('connection: close')
    expect(JSON.parse(body)).toMatchObject({ status: 400, request_id: 'id-1' })
  })
})
