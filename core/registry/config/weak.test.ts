import { describe, expect, test } from 'vitest'
import { components } from '../../../cli/components.ts'
import { checkConfig } from './index.ts'

const check = (secrets: string) =>
  checkConfig(
    `tenants: { acme: { sources: { a: { provider: github, secrets: ${secrets} } } } }`,
    'zenhook.yaml',
    components,
  )

describe('weak secrets', () => {
  test.each([
    ['no secret', '[]', 'ZENHOOK_CONFIG_MISSING_SECRET'],
    ['an empty one', '["plain:"]', 'ZENHOOK_CONFIG_BAD_SECRET'],
    ['a blank one', '["plain:         "]', 'ZENHOOK_CONFIG_BAD_SECRET'],
    ['a short one', '["plain:abc1234"]', 'ZENHOOK_CONFIG_BAD_SECRET'],
    ['a short one beside a good one', '[env:GOOD, "plain:abc"]', 'ZENHOOK_CONFIG_BAD_SECRET'],
    ['a short token of a handshake', '["plain:verify:abc"]', 'ZENHOOK_CONFIG_BAD_SECRET'],
    ['a reference to nothing', '["env:"]', 'ZENHOOK_CONFIG_BAD_SECRET'],
  ])('F65: a source with %s is refused', (_, secrets, code) => {
    const { faults, objects } = check(secrets)
    expect(faults.map((fault) => fault.code)).toEqual([code])
    expect(objects).toEqual([])
    expect(faults[0]?.message).not.toContain('abc')
  })

  test('F65: a source with a long one, or with references, is not', () => {
    expect(check('["plain:abcd1234", env:GOOD, file:/run/secrets/a]').faults).toEqual([])
  })
})
