import { describe, expect, it } from 'vitest'
import { components } from '../../cli/components.ts'
import { checkObject } from '../../cli/runtime/check-object.ts'
import { isZenhookError } from '../../core/errors/index.ts'
import { checkConfig } from '../../core/registry/config/index.ts'

const destinationOf = (url: string, allowPrivate: boolean) => ({
  connector: 'webhook',
  config: { url },
  ...(allowPrivate ? { allowPrivate } : {}),
})

/** What a configuration file with the destination is told. */
const inFile = (destination: object): readonly string[] => {
  const text = JSON.stringify({ tenants: { acme: { destinations: { out: destination } } } })
  return checkConfig(text, 'test', components).faults.map(({ message }) => message)
}

/** What the API says when the destination is put. */
const byApi = (spec: object): readonly string[] => {
  try {
    checkObject({ kind: 'destination', tenant: 'acme', name: 'out' }, spec, [])
    return []
  } catch (error) {
    if (isZenhookError(error)) return [JSON.stringify(error.details)]
    throw error
  }
}

const forbidden = [
  'http://169.254.169.254/latest/meta-data/',
  'http://0.0.0.0/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/',
  'http://[fe80::1]/',
  'http://[fd00:ec2::254]/',
  'http://100.100.100.200/',
  'http://224.0.0.1/',
  'http://192.0.2.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://127.1/',
  'http://１２７.0.0.1/',
  'http://127.0.0.1./',
  'http://user:pass@example.com/',
  'http://example.com@127.0.0.1/',
  'http://example.com./',
  'http://example。com/',
]

const onlyWithGrant = [
  'http://127.0.0.1:8080/in/acme/github',
  'http://10.0.0.1/',
  'http://192.168.1.1/',
  'http://100.64.0.1/',
  'http://[::1]/',
  'http://[fc00::1]/',
  'http://localhost/',
  'http://api.localhost/',
]

describe('F80: a destination that can never be reached is refused when it is registered', () => {
  it.each(forbidden)('F80: %s, whatever is allowed, by file and by API', (url) => {
    for (const allowPrivate of [false, true]) {
      const destination = destinationOf(url, allowPrivate)
      for (const told of [inFile(destination), byApi(destination)]) {
        expect(told).toHaveLength(1)
        // What lies at the address is nobody's to know; its being written there is known already.
        expect(told[0]).not.toMatch(/metadata|link-local|loopback/)
      }
    }
  })

  it.each(onlyWithGrant)('F80: %s, unless the destination asks for it', (url) => {
    const without = destinationOf(url, false)
    for (const told of [inFile(without), byApi(without)])
      expect(told).toEqual([expect.stringContaining('allowPrivate')])
    const asking = destinationOf(url, true)
    for (const told of [inFile(asking), byApi(asking)]) expect(told).toEqual([])
  })

  it.each(['https://hooks.example.com/x', 'http://8.8.8.8/', 'https://[2606:4700:4700::1111]/'])(
    'F80: %s is left to the dial',
    (url) => {
      const destination = destinationOf(url, false)
      for (const told of [inFile(destination), byApi(destination)]) expect(told).toEqual([])
    },
  )

  it.each([
    ['slack', { baseUrl: 'http://169.254.169.254' }, { token: 'env:T' }],
    ['jira', { baseUrl: 'http://10.0.0.1', project: 'OPS' }, { email: 'env:E', token: 'env:T' }],
    ['servicenow', { baseUrl: 'http://[::1]' }, { username: 'env:U', password: 'env:P' }],
  ])('F80: and so for %s', (connector, config, secrets) => {
    const destination = { connector, config, secrets }
    const faults = inFile(destination)
    expect(faults).toEqual([expect.stringMatching(/^'baseUrl': The host is at/)])
    expect(byApi(destination)).toHaveLength(1)
  })
})
