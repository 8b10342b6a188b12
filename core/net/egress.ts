import { LRUCache } from 'lru-cache'
import { Agent, type Dispatcher, Pool } from 'undici'
import { ZenhookError } from '../errors/index.ts'
import type { Listener } from './address.ts'
import { createDialer, resolveChecked } from './dial.ts'
import { exchange } from './exchange.ts'
import { type Caller, createGuard } from './guard.ts'
import { type Resolver, systemResolver } from './resolver.ts'
import { parseTarget, type Target } from './url.ts'

export interface EgressOptions {
  /** Private ranges that the operator granted, for all or for one tenant (`--allow-private`). */
  grants?: readonly string[]
  /** Zenhook's own listeners, as they stand when asked. */
  ownListeners?: () => readonly Listener[]
  resolver?: Resolver
  /** Connections kept per owner and origin; requests beyond it wait within their own deadline. */
  connectionsPerOrigin?: number
  /** Owners with connections of their own; who was idle for longest gives way. */
  maxOwners?: number
  /** Bytes of an answer that are read; the rest is cut off and the connection closed. */
  maxResponseBytes?: number
  connectTimeoutMs?: number
  /** Certificate authorities instead of the system's, PEM. */
  ca?: string
}

/** Of requests. */
export interface Owner {
  tenant: string
  name: string
}

export interface EgressRequest {
  method?: string
  headers?: Readonly<Record<string, string>>
  body?: Uint8Array | string
  /** Until the whole answer is here, dialling and waiting for a connection included; with 0 nothing is sent. */
  timeoutMs: number
  /** The destination asks for a private address; it still needs the operator's grant. */
  allowPrivate?: boolean
  /** The destination, which has connections and grants of its own; common ones serve what is nobody's. */
  owner?: Owner
  signal?: AbortSignal
}

export interface EgressResponse {
  status: number
  /** Lower-case names; repeated ones joined by `, `. */
  headers: Readonly<Record<string, string>>
  body: Uint8Array
  /** The answer was longer than what is read. */
  truncated: boolean
}

/** The only way out of the process to an address that configuration names. */
export interface Egress {
  /**
   * One exchange: no redirect is followed, no proxy of the environment is used, TLS is verified, and
   * only checked addresses are dialled. Resolves for every status. Rejects with ZENHOOK_NET_*;
   * `details.sent` of an error says whether the other side may have got the request.
   */
  request(url: string, request: EgressRequest): Promise<EgressResponse>
  /** The same checks without a connection, for configuration. Rejects as `request` would. */
  check(url: string, options?: { allowPrivate?: boolean }): Promise<void>
  /** Cuts what is under way and closes all connections. Idempotent. */
  close(): Promise<void>
}

// They belong to the connection, which is ours.
const connectionHeaders = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const refuseConnectionHeaders = (headers: Readonly<Record<string, string>>): void => {
  for (const name in headers) {
    if (connectionHeaders.has(name) || connectionHeaders.has(name.toLowerCase())) {
      throw new ZenhookError('ZENHOOK_NET_REQUEST_REFUSED', {
        message: `The header ${name} belongs to the connection and cannot be set`,
      })
    }
  }
}

/** Of one owner to one origin, at once. */
export const connectionsPerOrigin = 64

export const createEgress = ({
  grants = [],
  ownListeners = () => [],
  resolver = systemResolver,
  connectionsPerOrigin: connections = connectionsPerOrigin,
  maxOwners = 2_000,
  maxResponseBytes = 64 * 1024,
  connectTimeoutMs = 10_000,
  ca,
}: EgressOptions = {}): Egress => {
  const guard = createGuard({ grants, ownListeners })
  const targets = new LRUCache<string, Target>({ max: 2000 })

  const createAgent = (caller: Caller): Dispatcher =>
    new Agent({
      factory: (origin) => {
        const { port } = parseTarget(String(origin))
        const dial = { guard, resolver, caller, timeoutMs: connectTimeoutMs, ca }
        return new Pool(origin, {
          connections,
          pipelining: 1,
          keepAliveTimeout: 4_000,
          keepAliveMaxTimeout: 60_000,
          headersTimeout: 0, // the total deadline of the exchange stands over these
          bodyTimeout: 0,
          maxHeaderSize: 32 * 1024,
          connect: createDialer(port, dial),
        })
      },
    })
  const all = new Set<Dispatcher>()
  let closed = false
  const agents = new LRUCache<string, Dispatcher>({
    max: 2 * maxOwners,
    // Lets what is under way end; sockets that idle are closed at once.
    dispose(agent) {
      const forget = (): boolean => all.delete(agent)
      agent.close().then(forget, forget)
    },
  })
  // A connection that was opened under `allowPrivate` never serves a request without it.
  const agentOf = (owner: Owner | undefined, caller: Caller): Dispatcher => {
    const whose = owner === undefined ? '' : `${owner.tenant}/${owner.name}`
    const key = `${caller.allowPrivate ? 'granted' : 'open'} ${whose}`
    const known = agents.get(key)
    if (known !== undefined) return known
    const made = createAgent(caller)
    if (closed) void made.destroy()
    all.add(made)
    agents.set(key, made)
    return made
  }

  const targetOf = (url: string): Target => {
    const known = targets.get(url)
    if (known !== undefined) return known
    const target = parseTarget(url)
    targets.set(url, target)
    return target
  }

  return {
    async request(url, request) {
      const target = targetOf(url)
      const { allowPrivate = false, owner } = request
      const caller = { allowPrivate, tenant: owner?.tenant }
      if (target.literal) guard.admit([target.host], target.port, caller)
      if (request.headers !== undefined) refuseConnectionHeaders(request.headers)
      const agent = agentOf(owner, caller)
      return exchange(agent, target, request, maxResponseBytes)
    },
    async check(url, { allowPrivate = false } = {}) {
      const target = parseTarget(url)
      const caller = { allowPrivate }
      if (target.literal) guard.admit([target.host], target.port, caller)
      else await resolveChecked(target.host, target.port, { guard, resolver, caller })
    },
    async close() {
      closed = true
      await Promise.all([...all].map((agent) => agent.destroy()))
    },
  }
}
