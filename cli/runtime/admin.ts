import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { ZenhookError } from '../../core/errors/index.ts'
import { type Instance, instanceFile, tokenFile } from '../client.ts'

/** The token of the data folder, made at the first start; readable by its owner alone. */
export const adminToken = async (dataDir: string, given: string | undefined): Promise<string> => {
  if (given !== undefined) return given
  const path = join(dataDir, tokenFile)
  try {
    const text = (await readFile(path, 'utf8')).trim()
    if (text !== '') return text
  } catch {
    // There is none yet.
  }
  const token = randomBytes(32).toString('base64url')
  await writeFile(path, `${token}\n`, { mode: 0o600 })
  return token
}

/** Tells the commands of this machine where the instance is, until it ends. */
export const announce = async (
  dataDir: string,
  instance: Instance,
): Promise<() => Promise<void>> => {
  const path = join(dataDir, instanceFile)
  await writeFile(`${path}.new`, `${JSON.stringify(instance, null, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return () => rm(path, { force: true })
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error ? Reflect.get(error, 'code') : undefined

/** Tries one port after the other; a port that was asked for is the only one. */
export const listenFrom = async <T>(
  port: number,
  asked: boolean,
  listen: (port: number) => Promise<T>,
): Promise<T> => {
  const last = asked || port === 0 ? port : Math.min(port + 20, 65_535)
  for (let candidate = port; ; candidate += 1) {
    try {
      return await listen(candidate)
    } catch (error) {
      if (codeOf(error) !== 'EADDRINUSE') throw error
      if (candidate < last) continue
      throw new ZenhookError('ZENHOOK_CLI_PORT_BUSY', {
        message: asked
          ? `Port ${port} is in use by another process`
          : `All ports from ${port} to ${last} are in use`,
        cause: error,
      })
    }
  }
}

export interface AdminServer {
  port: number
  /** Stops accepting and cuts idle connections. */
  close(): Promise<void>
}

export const serveAdmin = async (
  fetch: Parameters<typeof getRequestListener>[0],
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
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
