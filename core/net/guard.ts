import { ZenhookError } from '../errors/index.ts'
import { isOwn, kindOf, type Listener, parseRange, type Range, within } from './address.ts'

/** Who wants to connect. */
export interface Caller {
  /** The destination asks for private addresses; it still needs a grant. */
  allowPrivate: boolean
  /** Absent where it is nobody's. */
  tenant?: string | undefined
}

/** What a destination may reach. */
export interface Guard {
  /** Throws ZENHOOK_NET_ADDRESS_DENIED unless every address may be dialled; never echoes an address. */
  admit(addresses: readonly string[], port: number, caller: Caller): void
}

export interface GuardOptions {
  /** Private ranges that the operator granted, as `parseGrant` reads them. */
  grants: readonly string[]
  /** Our own listeners as they stand: never dialled, whatever is granted. */
  ownListeners: () => readonly Listener[]
}

/** `10.0.0.0/8` for every tenant, `acme=10.0.0.0/8` for one. Throws on what is no range. */
export const parseGrant = (text: string): { tenant: string | undefined; range: Range } => {
  const at = text.indexOf('=')
  if (at === 0) throw new TypeError('The name of the tenant is missing')
  return { tenant: at < 0 ? undefined : text.slice(0, at), range: parseRange(text.slice(at + 1)) }
}

const denied = (reason: string, message: string): ZenhookError =>
  new ZenhookError('ZENHOOK_NET_ADDRESS_DENIED', { message, details: { reason } })

export const createGuard = ({ grants, ownListeners }: GuardOptions): Guard => {
  const ranges = grants.map(parseGrant)
  const isGranted = (address: string, tenant: string | undefined): boolean => {
    const own = ranges.filter((each) => each.tenant === undefined || each.tenant === tenant)
    return within(
      address,
      own.map(({ range }) => range),
    )
  }

  const admitOne = (address: string, port: number, { allowPrivate, tenant }: Caller): void => {
    const kind = kindOf(address)
    if (kind === 'forbidden') {
      throw denied('forbidden_address', 'The host is at an address that is never dialled')
    }
    if (kind === 'private' && !allowPrivate) {
      throw denied('private_address', 'The host is at a private address')
    }
    if (kind === 'private' && !isGranted(address, tenant)) {
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
    admit(addresses, port, caller) {
      const kinds = new Set(addresses.map(kindOf))
      // One name with public and private answers is how rebinding looks: no answer of it is trusted.
      if (kinds.has('public') && kinds.size > 1) {
        throw denied('mixed_addresses', 'The host has public and private addresses at once')
      }
      for (const address of addresses) admitOne(address, port, caller)
    },
  }
}
