import { describe, expect, test } from 'vitest'
import { checkConfig } from '../core/registry/config/index.ts'
import { presets } from '../ingress/providers/index.ts'
import { components } from './components.ts'

const faultsOf = (object: { sources?: object; destinations?: object }): readonly string[] => {
  const text = JSON.stringify({ tenants: { a: object } })
  return checkConfig(text, 'zenhook.yaml', components).faults.map(
    ({ code, message }) => `${code.replace('ZENHOOK_CONFIG_', '')} ${message}`,
  )
}
const source = (more: object) => faultsOf({ sources: { s: { secrets: ['env:SECRET'], ...more } } })
const destination = (more: object) => faultsOf({ destinations: { d: more } })

describe('a source that nothing could be verified with', () => {
  test.each<[object, RegExp]>([
    [
      { provider: 'stripe', verify: { tolerence: '5m' } },
      /^UNKNOWN_KEY 'tolerence'.*'tolerance'\?$/,
    ],
    [{ provider: 'stripe', verify: { tolerance: 'banana' } }, /^BAD_DURATION .*tolerance.*250ms/],
    [{ provider: 'stripe', verify: { tolerance: 300 } }, /^BAD_DURATION .*tolerance.*250ms/],
    [{ provider: 'stripe', verify: { tolerance: '0s' } }, /^BAD_VALUE .*tolerance.*longer/],
    [{ provider: 'github', verify: { scheme: 'hmac', header: 'x' } }, /^UNKNOWN_KEY 'scheme'/],
    [{ provider: 'github', verify: { keepHeaders: ['authorization'] } }, /^BAD_VALUE .*never kept/],
    [{ provider: 'githb', verify: { header: 'x' } }, /^UNKNOWN_PROVIDER .*'github'/],
    [{ verify: { scheme: 'hmac' } }, /^BAD_VALUE .*needs header or signatureBody/],
    [
      { verify: { scheme: 'hmac', header: 'x', template: '{foo}' } },
      /^BAD_VALUE .*\{foo\}, which does not exist/,
    ],
    [
      { verify: { scheme: 'hmac', header: 'x', template: '{timestamp}.{body}' } },
      /^BAD_VALUE .*timestamp is not set/,
    ],
    [{ verify: { scheme: 'jwt', algorithms: ['HS256', 'RS256'] } }, /^BAD_VALUE .*cannot be mixed/],
  ])('%j is one fault, told when it is configured', (settings, expected) => {
    const faults = source(settings)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(expected)
  })

  test.each<[object, string]>([
    [{ scheme: 'hmac', header: 'x', tolerance: 300 }, 'tolerance'],
    [{ scheme: 'standard-webhooks', tolerance: 300 }, 'tolerance'],
    [{ scheme: 'jwt', algorithms: ['HS256'], leeway: 30 }, 'leeway'],
    [{ scheme: 'jwt', algorithms: ['HS256'], maxLifetime: '3600' }, 'maxLifetime'],
  ])('%j has a number where a duration is meant, told at its place', (verify, name) => {
    const text = JSON.stringify(
      { tenants: { a: { sources: { s: { secrets: ['env:S'], verify } } } } },
      null,
      1,
    )
    const { faults } = checkConfig(text, 'zenhook.yaml', components)
    const lines = text.split('\n')
    const line = lines.findIndex((each) => each.includes(name)) + 1
    const column = (lines[line - 1]?.indexOf(': ') ?? 0) + 3
    expect(faults).toMatchObject([{ code: 'ZENHOOK_CONFIG_BAD_DURATION', line, column }])
    expect(faults[0]?.message).toContain(`'${name}' must be a duration such as 250ms`)
  })

  test('is no preset as it comes, nor with settings that it takes', () => {
    for (const { name } of presets) expect(source({ provider: name, verify: {} })).toEqual([])
    expect(source({ provider: 'grafana', verify: { header: 'x-mine' } })).toEqual([])
    expect(
      source({ provider: 'stripe', verify: { tolerance: '10m', type: { body: 'type' } } }),
    ).toEqual([])
    const keys = { algorithms: ['RS256'], jwks: 'https://login.example.com/keys' }
    expect(source({ verify: { scheme: 'jwt', ...keys } })).toEqual([])
  })
})

describe('a destination that could never log in', () => {
  const slack = (secrets?: object) =>
    destination({ connector: 'slack', config: { channel: '#a' }, ...(secrets && { secrets }) })
  const servicenow = (secrets: object) =>
    destination({ connector: 'servicenow', config: { instance: 'acme' }, secrets })

  test('is told what it needs', () => {
    expect(slack()).toEqual([
      "MISSING_SECRET connector 'slack' needs the secrets 'token', or 'url'",
    ])
    expect(slack({})).toHaveLength(1)
    const wanted =
      "MISSING_SECRET connector 'servicenow' needs the secrets 'username' and 'password', or 'clientId' and 'clientSecret'"
    expect(servicenow({ username: 'env:U' })).toEqual([wanted])
    expect(servicenow({ username: 'env:U', clientSecret: 'env:S' })).toEqual([wanted])
  })

  test('is none with one of its ways to log in', () => {
    expect(slack({ token: 'env:T' })).toEqual([])
    expect(slack({ url: 'env:T' })).toEqual([])
    expect(servicenow({ username: 'env:U', password: 'env:P' })).toEqual([])
    expect(servicenow({ clientId: 'env:I', clientSecret: 'env:S' })).toEqual([])
  })
})
