import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What arrived, as the fake saw it. */
export interface Arrival {
  at: number
  method: string
  /** Path and query. */
  url: string
  headers: Readonly<Record<string, string>>
  body: Buffer
  /** SHA-256 of the body, hex. */
  digest: string
}

/** What goes wrong with the next requests; each request takes one from the list, then all is well. */
export interface Fault {
  /** Answer with this status instead of serving the request. */
  status?: number
  headers?: Readonly<Record<string, string>>
  body?: string
  /** Before anything is answered, ms. */
  delayMs?: number
  /** The connection is cut: before the request is served, or after it had its effect. */
  reset?: 'before' | 'after'
  /** Never answers. */
  hang?: boolean
  /** Answers one byte at a time, without an end. */
  drip?: boolean
  /** Serves the request, then answers with what is not the protocol. */
  malformed?: boolean
}

export interface Answer {
  status: number
  headers?: Readonly<Record<string, string>>
  body?: string
}

/** A small server on a free port of 127.0.0.1 that logs what arrives and fails on demand. */
export interface Receiver {
  readonly url: string
  readonly port: number
  readonly arrivals: Arrival[]
  /** Faults of the next requests, in order. */
  readonly faults: Fault[]
  /** Fault of every request while it is set and `faults` is empty. */
  fault: Fault | undefined
  readonly sockets: ReadonlySet<Socket>
  close(): Promise<void>
}

const readAll = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const arrivalOf = (request: IncomingMessage, body: Buffer): Arrival => ({
  at: Date.now(),
  method: request.method ?? '',
  url: request.url ?? '',
  headers: Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  ),
  body,
  digest: createHash('sha256').update(body).digest('hex'),
})

const drip = (response: ServerResponse): void => {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'), 20)
  response.on('close', () => clearInterval(timer))
}

/** Starts a receiver; `serve` speaks the protocol of what it stands for. */
export const startReceiver = async (
  serve: (arrival: Arrival) => Answer | Promise<Answer>,
): Promise<Receiver> => {
  const sockets = new Set<Socket>()

  const answer = async (
    request: IncomingMessage,
    response: ServerResponse,
    arrival: Arrival,
  ): Promise<void> => {
    const fault = receiver.faults.shift() ?? receiver.fault ?? {}
    if (fault.delayMs !== undefined) {
      await new Promise((resolve) => setTimeout(resolve, fault.delayMs))
    }
    if (fault.reset === 'before') return void request.socket.destroy()
    if (fault.hang) return
    if (fault.drip) return drip(response)
    if (fault.status !== undefined) {
      response.writeHead(fault.status, { ...fault.headers })
      return void response.end(fault.body)
    }
    const { status, headers, body } = await serve(arrival)
    if (fault.reset === 'after') return void request.socket.destroy()
    if (fault.malformed) return void response.writeHead(status).end('<html>not the protocol</html>')
    response.writeHead(status, { ...headers, ...fault.headers })
    response.end(body)
  }

  const server = createServer((request, response) => {
    readAll(request)
      .then((body) => {
        const arrival = arrivalOf(request, body)
        receiver.arrivals.push(arrival)
        return answer(request, response, arrival)
      })
      .catch(() => request.socket.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    port,
    arrivals: [],
    faults: [],
    fault: undefined,
    sockets,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}

/** A receiver of webhooks: says 204 to everything. */
export const startWebhookReceiver = (): Promise<Receiver> => startReceiver(() => ({ status: 204 }))
