import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** The requests of Kafka's protocol that rows look at, by their numbers. */
export const api = { produce: 0, fetch: 1, metadata: 3, offsetCommit: 8, findCoordinator: 10 }

export interface Frame {
  direction: 'request' | 'response'
  /** Number of the request; a response has that of the request it answers. */
  api: number
  /** The whole message, its length in front. */
  bytes: Buffer
  /** The message holds this text: a topic, a group, a mark. */
  has(text: string): boolean
}

/** What becomes of a frame: it goes on, it vanishes, or its connection is cut. */
export type Verdict = 'pass' | 'drop' | 'cut'

/**
 * Proxies before the brokers that understand their messages: they delay, cut and withhold, and tell rows
 * when something is about to happen, so that a process can be killed between two messages.
 */
export interface Wire {
  /** host:port of each proxy, in the order of the brokers. */
  readonly addresses: readonly string[]
  /** Asked for every frame while it is set. */
  rule: ((frame: Frame) => Verdict) | undefined
  /** One way, ms. */
  delayMs: number
  /** Nothing passes, and nothing is closed. */
  silent: boolean
  /** Cuts every connection of now; resolves with how many there were. */
  cutAll(): number
  /** No rule, no delay. */
  calm(): void
  close(): Promise<void>
}

const loopback = Buffer.from('\u0000\u0009127.0.0.1', 'latin1')

/** Addresses of brokers in an answer become those of their proxies: a port has four bytes in both. */
const redirect = (bytes: Buffer, ports: ReadonlyMap<number, number>): void => {
  for (let at = bytes.indexOf(loopback); at >= 0; at = bytes.indexOf(loopback, at + 1)) {
    const portAt = at + loopback.length
    if (portAt + 4 > bytes.length) return
    const port = ports.get(bytes.readInt32BE(portAt))
    if (port !== undefined) bytes.writeInt32BE(port, portAt)
  }
}

/**
 * Writes an error into a produce answer (versions 2 to 8) of one partition; tells whether it did. An answer
 * that is an error already stays as it is.
 */
export const failProduce = (bytes: Buffer, code: number): boolean => {
  // Length, correlation, topics; name; partitions; partition, error.
  const nameAt = 4 + 4 + 4
  if (bytes.length < nameAt + 2) return false
  const errorAt = nameAt + 2 + bytes.readInt16BE(nameAt) + 4 + 4
  if (bytes.readInt32BE(8) !== 1 || bytes.length < errorAt + 2) return false
  if (bytes.readInt16BE(errorAt) !== 0) return false
  bytes.writeInt16BE(code, errorAt)
  return true
}

/** Cuts a stream into its messages. */
const framed = (onFrame: (bytes: Buffer) => void): ((chunk: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 4) {
      const end = 4 + rest.readInt32BE(0)
      if (rest.length < end) return
      onFrame(Buffer.from(rest.subarray(0, end)))
      rest = rest.subarray(end)
    }
  }
}

export const openWire = async (brokers: readonly string[]): Promise<Wire> => {
  const pairs = new Set<{ client: Socket; broker: Socket }>()
  const ports = new Map<number, number>()
  const servers: Server[] = []

  const join = (client: Socket, port: number): void => {
    const broker = connect({ host: '127.0.0.1', port })
    const pair = { client, broker }
    pairs.add(pair)
    const cut = (): void => {
      pairs.delete(pair)
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      socket.setNoDelay(true)
      socket.on('error', cut).on('close', cut)
    }
    const asked = new Map<number, number>()
    const pass = (frame: Frame, to: Socket): void => {
      if (wire.silent) return
      const verdict = wire.rule?.(frame) ?? 'pass'
      if (verdict === 'cut') cut()
      if (verdict !== 'pass') return
      const write = (): void => {
        if (!to.destroyed) to.write(frame.bytes)
      }
      if (wire.delayMs > 0) setTimeout(write, wire.delayMs)
      else write()
    }
    const has = (bytes: Buffer) => (text: string) => bytes.includes(text, 0, 'latin1')
    client.on(
      'data',
      framed((bytes) => {
        const number = bytes.readInt16BE(4)
        asked.set(bytes.readInt32BE(8), number)
        pass({ direction: 'request', api: number, bytes, has: has(bytes) }, broker)
      }),
    )
    broker.on(
      'data',
      framed((bytes) => {
        const correlation = bytes.readInt32BE(4)
        const number = asked.get(correlation) ?? -1
        asked.delete(correlation)
        if (number === api.metadata || number === api.findCoordinator) redirect(bytes, ports)
        pass({ direction: 'response', api: number, bytes, has: has(bytes) }, client)
      }),
    )
  }

  const wire: Wire = {
    get addresses() {
      return [...ports.values()].map((port) => `127.0.0.1:${port}`)
    },
    rule: undefined,
    delayMs: 0,
    silent: false,
    cutAll() {
      const count = pairs.size
      for (const { client, broker } of [...pairs]) {
        client.resetAndDestroy()
        broker.destroy()
      }
      return count
    },
    calm() {
      wire.rule = undefined
      wire.delayMs = 0
      wire.silent = false
    },
    async close() {
      wire.cutAll()
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    },
  }
  for (const address of brokers) {
    const port = Number(address.split(':').at(-1))
    const server = createServer((client) => join(client, port))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    servers.push(server)
    ports.set(port, (server.address() as AddressInfo).port)
  }
  return wire
}
