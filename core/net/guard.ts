import { ZenhookError } from '../errors/index.ts'
import { isOwn, kindOf, type Listener, parseRange, within } from './address.ts'

/** What a destination may reach. */
export interface Guard {
  /** Throws ZENHOOK_NET_ADDRESS_DENIED unless every address may be dialled; never echoes an address. */
  admit(addresses: readonly string[], port: number, allowPrivate: boolean): void
}

export interface GuardOptions {
  /** Private ranges that the operator granted, as CIDRs; a destination must still ask for them. */
  grants: readonly string[]
  /** Our own listeners as they stand: never dialled, whatever is granted. */
  ownListeners: () => readonly Listener[]
}

const denied = (reason: string, message: string): ZenhookError =>
  new ZenhookError('ZENHOOK_NET_ADDRESS_DENIED', { message, details: { reason } })

export const createGuard = ({ grants, ownListeners }: GuardOptions): Guard => {
  const ranges = grants.map(parseRange)

  const admitOne = (address: string, port: number, allowPrivate: boolean): void => {
    const kind = kindOf(address)
    if (kind === 'forbidden') {
      throw denied('forbidden_address', 'The host is at an address that is never dialled')
    }
    if (kind === 'private' && !allowPrivate) {
      throw denied('private_address', 'The host is at a private address')
    }
    if (kind === 'private' && !within(address, ranges)) {
      throw denied(
        'not_granted',
        'The host is at a private address outside what the operator granted',
      )
    }
    if (isOwn(address, port, ownListeners())) {
      throw denied('own_listener', 'The host is one of Zenhook’s own listeners')
    }
  }

  return {
    admit(addresses, port, allowPrivate) {
      const kinds = new Set(addresses.map(kindOf))
      // One name with public and private answers is how rebinding looks: no answer of it is trusted.
      if (kinds.has('public') && kinds.size > 1) {
        throw denied('mixed_addresses', 'The host has public and private addresses at once')
      }
      for (const address of addresses) admitOne(address, port, allowPrivate)
    },
  }
}
