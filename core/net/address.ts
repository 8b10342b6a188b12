import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import ipaddr from 'ipaddr.js'

/** What an address is: `public`, a kind that an operator may grant, or one that nobody may. */
export type AddressKind = 'public' | 'private' | 'forbidden'

export interface Listener {
  /** The address that it is bound to: a name cannot be told from what is dialled. */
  host: string
  port: number
}

type Address = ipaddr.IPv4 | ipaddr.IPv6
export type Range = [Address, number]

const grantable = new Set(['loopback', 'private', 'carrierGradeNat', 'uniqueLocal'])

// Instance metadata that does not lie in the link-local range, which is forbidden as a whole.
const metadata = new Set([
  '100.100.100.200', // Alibaba
  '168.63.129.16', // Azure
  '192.0.0.192', // Oracle
  'fd00:ec2::254', // AWS
  'fd00:ec2::23', // AWS, containers
  'fd20:ce::254', // Google
])

// Only 2000::/3 is handed out; the rest of the address space is no place of the public internet.
const globalUnicast: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3]

const parse = (address: string): Address | undefined =>
  isIP(address) === 0 ? undefined : ipaddr.parse(address)

/** IPv4 wrapped in IPv6 (mapped, NAT64, 6to4, Teredo …) is forbidden: no receiver is named so. */
export const kindOf = (text: string): AddressKind => {
  const address = parse(text)
  if (address === undefined || metadata.has(address.toString())) return 'forbidden'
  const range = address.range()
  if (grantable.has(range)) return 'private'
  if (range !== 'unicast') return 'forbidden'
  return address instanceof ipaddr.IPv6 && !address.match(...globalUnicast) ? 'forbidden' : 'public'
}

/** A CIDR, or a single address. Throws on anything else. */
export const parseRange = (text: string): Range => {
  if (text.includes('/')) return ipaddr.parseCIDR(text)
  const address = ipaddr.parse(text)
  return [address, address.kind() === 'ipv4' ? 32 : 128]
}

export const within = (text: string, ranges: readonly Range[]): boolean => {
  const address = parse(text)
  if (address === undefined) return false
  return ranges.some(([base, bits]) => {
    if (address instanceof ipaddr.IPv4 && base instanceof ipaddr.IPv4) {
      return address.match(base, bits)
    }
    return address instanceof ipaddr.IPv6 && base instanceof ipaddr.IPv6
      ? address.match(base, bits)
      : false
  })
}

const wildcards = new Set(['0.0.0.0', '::', ''])

/** An address to listen at that stands for all addresses, and is none to call. */
export const isWildcard = (host: string): boolean => wildcards.has(host)

/** Of an address, or of the one name that never leads elsewhere. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || parse(host)?.range() === 'loopback'

const ofThisMachine = (address: string): boolean =>
  isLoopback(address) ||
  Object.values(networkInterfaces()).some((interfaces) =>
    interfaces?.some((one) => one.address === address),
  )

/** Whether a connection to `address:port` would reach one of our own listeners. */
export const isOwn = (address: string, port: number, listeners: readonly Listener[]): boolean =>
  listeners.some((listener) => {
    if (listener.port !== port) return false
    if (isWildcard(listener.host)) return ofThisMachine(address)
    if (listener.host === 'localhost') return isLoopback(address)
    return parse(listener.host)?.toString() === parse(address)?.toString()
  })
