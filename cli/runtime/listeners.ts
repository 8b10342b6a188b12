import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { systemCodeOf, ZenhookError } from '../../core/errors/index.ts'
import type { Listener } from '../../core/net/index.ts'
import type { Logger } from '../../core/telemetry/index.ts'
import { createApp } from '../../ingress/app.ts'
import type { HealthCheck } from '../../ingress/health.ts'
import { problemAnswer, refuse } from '../../ingress/problems.ts'
import { createPublicServer, type PublicServer } from '../../ingress/server.ts'
import type { Settings } from '../settings.ts'

type Fetch = Parameters<typeof getRequestListener>[0]

/** `http://host:port`, for IPv6 too. */
export const urlOf = (host: string, port: number): string =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`

const refusals: Readonly<Record<string, string>> = {
  EACCES: 'Use a port above 1023, or grant this process the right to the port',
  EADDRNOTAVAIL: 'Use an address of this machine, 127.0.0.1 or 0.0.0.0',
  ENOTFOUND: 'Use an address of this machine, 127.0.0.1 or 0.0.0.0',
}

/** Tries one port after the other, but for one that is kept; a port that was asked for is the only one. */
export const listenFrom = async <T>(
  port: number,
  asked: boolean,
  listen: (port: number) => Promise<T>,
  kept?: number,
): Promise<T> => {
  const last = asked || port === 0 ? port : Math.min(port + 20, 65_535)
  for (let candidate = port; ; candidate += 1) {
    if (!asked && candidate === kept) continue
    try {
      return await listen(candidate)
    } catch (error) {
      const code = systemCodeOf(error)
      if (code === 'EADDRINUSE' && candidate < last) continue
      if (code === 'EADDRINUSE') {
        throw new ZenhookError('ZENHOOK_CLI_PORT_BUSY', {
          message: asked
            ? `Port ${port} is in use by another process`
            : `All ports from ${port} to ${last} are in use`,
          cause: error,
        })
      }
      const fix = refusals[String(code)]
      if (fix === undefined) throw error
      throw new ZenhookError('ZENHOOK_CLI_NOT_LISTENING', { fix, cause: error })
    }
  }
}

export interface AdminServer {
  /** The address that it is bound to, whatever name was asked for. */
  host: string
  port: number
  /** Stops accepting and cuts all connections. */
  close(): Promise<void>
}

export const serveAdmin = async (
  fetch: Fetch,
  host: string,
  port: number,
): Promise<AdminServer> => {
  const server: Server = createServer(getRequestListener(fetch))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const bound = server.address() as AddressInfo
  return {
    host: bound.address,
    port: bound.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

export interface Lobby {
  /** The address that it is bound to, whatever name was asked for. */
  host: string
  port: number
  url: string
  /** The ingress takes it over as it listens: no sender finds the door shut in between. */
  server: PublicServer
  close(): Promise<void>
}

/** What must never be called from inside, by the addresses that a connection goes to. */
export const ownListenersOf = (admin: Listener, lobby: Lobby | undefined): readonly Listener[] =>
  lobby === undefined ? [admin] : [admin, lobby]

const graceMs = 2_000
/** See ADR 0021. A connection costs a system call for each. */
const moreDoors = 15

/**
 * The public listener before the ingress can answer: its own parser, limits and health, and 503 for
 * everything else. So a sender is told when to come again instead of finding nobody.
 */
export const openLobby = async (
  { host, port, trustedProxies }: Pick<Settings, 'host' | 'port' | 'trustedProxies'>,
  checks: Readonly<Record<string, HealthCheck>>,
  logger: Logger,
): Promise<Lobby> => {
  const server = createPublicServer({ trustedProxies })
  const { fetch } = createApp({
    receive: ({ requestId }) =>
      Promise.resolve(problemAnswer(refuse('ZENHOOK_INGRESS_NOT_READY'), requestId)),
    checks,
    arrivalOf: server.arrivalOf,
    sendAndClose: server.sendAndClose,
    closing: server.closing,
    logger,
  })
  server.serve(fetch)
  const listening = await server.listen({ host, port })
  // Nobody waits for it: there is one way in already.
  void server.widen(moreDoors).then((opened) => {
    if (opened < moreDoors && !server.closing())
      logger.warn({ opened, wanted: moreDoors }, 'bursts of new connections may have to wait')
  })
  return {
    host: listening.host,
    port: listening.port,
    url: listening.url,
    server,
    close: () => server.close(graceMs),
  }
}
