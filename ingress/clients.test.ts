import { describe, expect, it } from 'vitest'
import { createClients } from './clients.ts'

const xff = (...values: string[]): string[] => values.flatMap((value) => ['X-Forwarded-For', value])

describe('clients', () => {
  it('F72: are who the socket says, whatever a request claims', () => {
    const clients = createClients()
    expect(clients.of('192.0.2.1', xff('198.51.100.9'))).toBe('192.0.2.1')
    expect(clients.of('::ffff:192.0.2.1', [])).toBe('192.0.2.1')
    expect(clients.of(undefined, [])).toBe('')
    expect(clients.isProxy('192.0.2.1')).toBe(false)
  })

  it.each([
    ['the one entry', ['198.51.100.9'], '198.51.100.9'],
    [
      'the last entry that is no proxy of ours',
      ['1.1.1.1, 198.51.100.9, 10.0.0.2'],
      '198.51.100.9',
    ],
    ['the last of several fields', ['1.1.1.1', '198.51.100.9'], '198.51.100.9'],
    ['an entry with a port', ['198.51.100.9:4711'], '198.51.100.9'],
    ['an IPv6 entry, by its network', ['[2001:db8:1:2:3::4]:443'], '2001:db8:1:2::/64'],
    ['an IPv4 entry in IPv6', ['::ffff:198.51.100.9'], '198.51.100.9'],
    ['the proxy where nothing is said', [], '10.0.0.1'],
    ['the proxy where nothing can be read', ['unknown'], '10.0.0.1'],
    ['what stands after garbage', ['1.1.1.1, <script>, 198.51.100.9'], '198.51.100.9'],
    ['nothing before garbage', ['1.1.1.1, <script>'], '10.0.0.1'],
    ['the first where all are proxies', ['10.0.0.9, 10.0.0.2'], '10.0.0.9'],
    ['no more than so many hops', [Array(5_000).fill('10.0.0.7').join(',')], '10.0.0.7'],
  ])('F72: behind a trusted proxy are %s', (_, values, expected) => {
    const clients = createClients(['10.0.0.0/8'])
    expect(clients.of('10.0.0.1', xff(...values))).toBe(expected)
    expect(clients.of('::ffff:10.0.0.1', xff(...values))).toBe(expected)
    expect(clients.of('192.0.2.1', xff(...values))).toBe('192.0.2.1')
    expect(clients.isProxy('::ffff:10.0.0.1')).toBe(true)
  })

  it('of one IPv6 network are one', () => {
    const { of } = createClients(['2001:db8:ffff::/48'])
    const network = '2001:db8:0:1::/64'
    for (const address of [
      '2001:db8:0:1::1',
      '2001:0db8:0:1:ffff:1:2:3',
      '2001:db8::1:0:0:0:5',
      '2001:db8:0:1::1%eth0',
    ])
      expect(of(address, [])).toBe(network)
    expect(of('::1', [])).toBe('0:0:0:0::/64')
    expect(of('2001:db8:ffff::1', xff('2001:db8:0:1::9'))).toBe(network)
  })

  it('take no range that is none', () => {
    expect(() => createClients(['10.0.0.0/99'])).toThrow()
    expect(() => createClients(['proxy'])).toThrow()
  })
})
