import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { getRequestListener } from '@hono/node-server'
import type { Arrival } from './app.ts'
import { createClients } from './clients.ts'
import { type Doors, openDoors } from './doors.ts'
import { isRefusal, readHead, requestIdOf } from './head.ts'
import { sendAndClose } from './linger.ts'
import { problemAnswer, problemBytes, type Refusal, refuse } from './problems.ts'

export interface ListenOptions {
  host: string
  /** 0 takes a free one. */
  port: number
}

export interface Listening {
  host: string
  port: number
  /** `http://host:port` */
  url: string
}

export interface PublicServerOptions {
  /** Addresses and CIDRs whose X-Forwarded-For is believed; nobody's by default. */
  trustedProxies?: readonly string[]
  maxConnections?: number
  /** Of one address that is no trusted proxy; half of all by default. */
  maxConnectionsPerAddress?: number
  headersTimeoutMs?: number
  requestTimeoutMs?: number
  keepAliveTimeoutMs?: number
}

/** Connections that the kernel keeps until they are taken; it may have a lower bound of its own. */
const backlog = 2_048
/** A page of header fields; more is 431. */
const maxHeaderSize = 16 * 1024

type Fetch = Parameters<typeof getRequestListener>[0]

const parserRefusal = (code: unknown): Refusal => {
  if (code === 'HPE_HEADER_OVERFLOW') return refuse('ZENHOOK_INGRESS_HEADERS_TOO_LARGE')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return refuse('ZENHOOK_INGRESS_TIMEOUT')
  return refuse('ZENHOOK_INGRESS_MALFORMED')
}

// A table beside the requests (a WeakMap) would cost the garbage collector more than all the rest.
const arrival = Symbol('arrival')
type Arrived = IncomingMessage & { [arrival]?: Arrival }

/**
 * Node's HTTP server around an app: framing is checked before the app, parser errors are problems too.
 * Which app answers may change while it listens.
 */
export const createPublicServer = (options: PublicServerOptions = {}) => {
  const clients = createClients(options.trustedProxies)
  // The newest exchange of a connection, and connections whose further requests are not looked at.
  const exchanges = new WeakMap<Duplex, { incoming: IncomingMessage; outgoing: ServerResponse }>()
  const condemned = new WeakSet<Duplex>()
  let closing = false
  let doors: Doors | undefined

  const server: Server = createServer({
    maxHeaderSize,
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 60_000,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 65_000,
    connectionsCheckingInterval: 1_000,
    insecureHTTPParser: false,
    requireHostHeader: false,
  })
  const maxConnections = options.maxConnections ?? 20_000
  const maxPerAddress = options.maxConnectionsPerAddress ?? Math.ceil(maxConnections / 2)
  // No silent limit: fields past it would be hidden from the checks of the head. Their bytes are limited.
  server.maxHeadersCount = 0

  let open = 0
  const connections = new Map<string, number>()
  server.on('connection', (socket) => {
    open += 1
    socket.once('close', () => {
      open -= 1
    })
    if (open > maxConnections) {
      socket.destroy()
      return
    }
    if (clients.isProxy(socket.remoteAddress)) return
    const client = clients.of(socket.remoteAddress, [])
    const count = (connections.get(client) ?? 0) + 1
    if (count > maxPerAddress) {
      socket.destroy()
      return
    }
    connections.set(client, count)
    socket.once('close', () => {
      const left = (connections.get(client) ?? 0) - 1
      if (left > 0) connections.set(client, left)
      else connections.delete(client)
    })
  })

  const condemn: typeof sendAndClose = (incoming, outgoing, answer) => {
    condemned.add(incoming.socket)
    sendAndClose(incoming, outgoing, answer)
  }

  const turnAway = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    refusal: Refusal,
  ): void => {
    const requestId = requestIdOf(incoming.rawHeaders) ?? randomUUID()
    condemn(incoming, outgoing, problemAnswer(refusal, requestId))
  }

  let listener: ReturnType<typeof getRequestListener> | undefined
  const serve = (fetch: Fetch): void => {
    listener = getRequestListener(fetch, {
      autoCleanupIncoming: false,
      // The adapter could not make a request of it: a target that is no URL.
      errorHandler: () => {
        const { body, ...init } = problemAnswer(refuse('ZENHOOK_INGRESS_MALFORMED'), randomUUID())
        return new Response(body, init)
      },
    })
  }
  const onRequest = (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    proceed?: () => void,
  ): void => {
    if (condemned.has(incoming.socket)) return
    exchanges.set(incoming.socket, { incoming, outgoing })
    const head = readHead(incoming.rawHeaders, incoming.httpVersion)
    if (isRefusal(head)) {
      turnAway(incoming, outgoing, head)
      return
    }
    const target = incoming.url ?? ''
    if (!target.startsWith('/')) {
      turnAway(incoming, outgoing, refuse('ZENHOOK_INGRESS_MALFORMED'))
      return
    }
    if (listener === undefined) {
      turnAway(incoming, outgoing, refuse('ZENHOOK_INGRESS_NOT_READY'))
      return
    }
    const requestId = head.requestId ?? randomUUID()
    const arrived: Arrived = incoming
    arrived[arrival] = {
      head,
      client: clients.of(incoming.socket.remoteAddress, incoming.rawHeaders),
      requestId,
      target,
      ...(proceed === undefined ? {} : { proceed }),
    }
    // Nothing reads it: the address of a request comes from configuration.
    incoming.headers.host = 'ingress'
    void listener(incoming, outgoing)
  }
  server.on('request', (incoming, outgoing) => onRequest(incoming, outgoing))
  server.on('checkContinue', (incoming, outgoing) =>
    onRequest(incoming, outgoing, () => outgoing.writeContinue()),
  )
  server.on('checkExpectation', (incoming, outgoing) =>
    turnAway(incoming, outgoing, refuse('ZENHOOK_INGRESS_EXPECTATION_FAILED')),
  )

  const writeProblem = (socket: Duplex, refusal: Refusal): void => {
    condemned.add(socket)
    if (!socket.writable) {
      socket.destroy()
      return
    }
    socket.end(problemBytes(refusal, randomUUID()), () => socket.destroy())
  }

  server.on('clientError', (error: Error & { code?: unknown }, socket) => {
    if (error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    if (condemned.has(socket)) {
      // Its answer is on the way already.
      socket.end(() => socket.destroy())
      return
    }
    const refusal = parserRefusal(error.code)
    const open = exchanges.get(socket)
    if (open === undefined || open.outgoing.writableFinished || !open.incoming.complete) {
      if (open?.outgoing.headersSent === true && !open.outgoing.writableFinished) socket.destroy()
      else writeProblem(socket, refusal)
      return
    }
    // What is broken is a later request: the one under way is answered first.
    condemned.add(socket)
    open.outgoing.once('close', () => writeProblem(socket, refusal))
  })
  server.on('connect', (_incoming, socket) =>
    writeProblem(socket, refuse('ZENHOOK_INGRESS_METHOD_NOT_ALLOWED')),
  )

  return {
    /** This app answers from now on; whatever is under way is answered by the one before. */
    serve,
    sendAndClose: condemn,
    closing: () => closing,
    arrivalOf: (incoming: Arrived): Arrival => {
      const found = incoming[arrival]
      if (found === undefined) throw new TypeError('the request came past the listener')
      return found
    },
    listen: ({ host, port }: ListenOptions): Promise<Listening> =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, backlog, () => {
          server.off('error', reject)
          const bound = server.address() as AddressInfo
          const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address
          resolve({ host: bound.address, port: bound.port, url: `http://${name}:${bound.port}` })
        })
      }),
    /** Lets that many more in per turn of the loop, as far as it can; resolves with how many that are. */
    widen: (times: number): Promise<number> => {
      doors ??= openDoors(server, times, (socket) => server.emit('connection', socket))
      return doors.ready
    },
    /** Stops accepting, lets requests under way finish within the grace, then ends what is left. */
    close: (graceMs: number): Promise<void> =>
      new Promise((resolve) => {
        closing = true
        if (!server.listening) {
          resolve()
          return
        }
        const timer = setTimeout(() => server.closeAllConnections(), graceMs)
        const shut = doors?.close()
        server.close(async () => {
          await shut
          clearTimeout(timer)
          resolve()
        })
        server.closeIdleConnections()
      }),
  }
}

export type PublicServer = ReturnType<typeof createPublicServer>
