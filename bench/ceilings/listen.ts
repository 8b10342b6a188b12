import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'

/** Serves on a free port of 127.0.0.1. */
export const listen = (fetch: Parameters<typeof getRequestListener>[0]): Promise<string> =>
  new Promise((resolve, reject) => {
    const server = createServer(getRequestListener(fetch))
    server.keepAliveTimeout = 60_000
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })
