import { describe, expect, it } from 'vitest'
import { isOwn, kindOf, parseRange, within } from './address.ts'

describe('kindOf', () => {
  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '93.184.216.34',
    '2606:4700:4700::1111',
    '2a00:1450:4001:80b::200e',
  ])('F80: %s is public', (address) => expect(kindOf(address)).toBe('public'))

  it.each([
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['::1', 'loopback'],
    ['10.0.0.1', 'RFC 1918'],
    ['172.16.0.1', 'RFC 1918'],
    ['172.31.255.255', 'RFC 1918'],
    ['192.168.1.1', 'RFC 1918'],
    ['100.64.0.1', 'CGNAT'],
    ['fc00::1', 'unique local'],
    ['fd12:3456::1', 'unique local'],
  ])('F80: %s (%s) is private', (address) => expect(kindOf(address)).toBe('private'))

  it.each([
    ['0.0.0.0', 'unspecified'],
    ['0.1.2.3', 'this network'],
    ['::', 'unspecified'],
    ['169.254.169.254', 'metadata, link-local'],
    ['169.254.170.2', 'metadata, link-local'],
    ['fe80::1', 'link-local'],
    ['fec0::1', 'site-local'],
    ['fd00:ec2::254', 'metadata of AWS'],
    ['fd20:ce::254', 'metadata of Google'],
    ['100.100.100.200', 'metadata of Alibaba'],
    ['168.63.129.16', 'metadata of Azure'],
    ['192.0.0.192', 'metadata of Oracle'],
    ['224.0.0.1', 'multicast'],
    ['239.255.255.250', 'multicast'],
    ['ff02::1', 'multicast'],
    ['255.255.255.255', 'broadcast'],
    ['240.0.0.1', 'reserved'],
    ['192.0.2.1', 'documentation'],
    ['198.51.100.7', 'documentation'],
    ['203.0.113.9', 'documentation'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['198.18.0.1', 'benchmarking'],
    ['192.88.99.1', '6to4 relay'],
    ['::ffff:8.8.8.8', 'IPv4 in IPv6'],
    ['::ffff:127.0.0.1', 'IPv4 in IPv6'],
    ['::ffff:a00:1', 'IPv4 in IPv6'],
    ['::127.0.0.1', 'IPv4-compatible'],
    ['::ffff:0:127.0.0.1', 'RFC 6145'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b::808:808', 'NAT64'],
    ['64:ff9b:1::1', 'NAT64, local'],
    ['2002:7f00:1::', '6to4'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['100::1', 'discard'],
    ['4000::1', 'not handed out'],
    ['not an address', 'no address'],
  ])('F80: %s (%s) is forbidden', (address) => expect(kindOf(address)).toBe('forbidden'))
})

describe('ranges', () => {
  it('match within their family only', () => {
    const ranges = ['10.1.0.0/16', 'fd00::/8', '127.0.0.1'].map(parseRange)
    expect(within('10.1.255.1', ranges)).toBe(true)
    expect(within('10.2.0.1', ranges)).toBe(false)
    expect(within('fd01::1', ranges)).toBe(true)
    expect(within('127.0.0.1', ranges)).toBe(true)
    expect(within('127.0.0.2', ranges)).toBe(false)
  })
  it('refuse what is no range', () => expect(() => parseRange('ten-dot')).toThrow())
})

describe('isOwn', () => {
  it.each([
    ['127.0.0.1', 8080, '127.0.0.1', true],
    ['127.0.0.1', 8081, '127.0.0.1', false],
    ['127.0.0.9', 8080, '0.0.0.0', true],
    ['::1', 8080, '::', true],
    ['::1', 8080, 'localhost', true],
    ['10.9.9.9', 8080, '0.0.0.0', false],
  ])('F83: %s:%i against a listener on %s', (address, port, host, own) =>
    expect(isOwn(address, port, [{ host, port: 8080 }])).toBe(own),
  )
})
