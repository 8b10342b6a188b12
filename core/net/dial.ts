import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { messageOf, ZenhookError } from '../errors/index.ts'
import type { Caller, Guard } from './guard.ts'
import type { Resolver } from './resolver.ts'

export interface DialOptions {
  guard: Guard
  resolver: Resolver
  caller: Caller
  timeoutMs: number
  /** Certificate authorities instead of the system's, PEM. */
  ca?: string
}

/** The checked addresses of a name; what is dialled is one of these and no other. */
export const resolveChecked = async (
  hostname: string,
  port: number,
  { guard, resolver, caller }: Pick<DialOptions, 'guard' | 'resolver' | 'caller'>,
): Promise<readonly string[]> => {
  const addresses = await resolver(hostname).catch((cause: unknown) => {
    throw new ZenhookError('ZENHOOK_NET_UNRESOLVED', {
      message: `${hostname} cannot be resolved: ${messageOf(cause)}`,
      retriable: true,
      cause,
    })
  })
  if (addresses.length === 0) {
    throw new ZenhookError('ZENHOOK_NET_UNRESOLVED', {
      message: `${hostname} has no address`,
      retriable: true,
    })
  }
  guard.admit(addresses, port, caller)
  return addresses
}

const pinned =
  (port: number, options: DialOptions): LookupFunction =>
  (hostname, { all }, done) => {
    resolveChecked(hostname, port, options).then(
      (addresses) => {
        const answers = addresses.map((address) => ({ address, family: isIP(address) }))
        const [first] = answers
        if (all || first === undefined) done(null, answers)
        else done(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => done(error, []),
    )
  }

/** Connects like undici does, but only to what the guard admits: literals here, names in the lookup. */
export const createDialer = (port: number, options: DialOptions): buildConnector.connector => {
  const connect = buildConnector({
    timeout: options.timeoutMs,
    lookup: pinned(port, options),
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    allowH2: false,
    ...(options.ca === undefined ? {} : { ca: options.ca }),
  })
  return (request, done) => {
    try {
      const host = request.hostname.replace(/^\[|\]$/g, '')
      if (isIP(host) !== 0) options.guard.admit([host], port, options.caller)
    } catch (error) {
      done(error instanceof Error ? error : new Error(messageOf(error)), null)
      return
    }
    connect(request, done)
  }
}
