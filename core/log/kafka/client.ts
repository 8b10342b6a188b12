import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type ISocketFactory, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import type { KafkaLogger, KafkaLogOptions } from './options.ts'

// Partitions are chosen by us; kafkajs need not say that its default has changed.
process.env.KAFKAJS_NO_PARTITIONER_WARNING ??= '1'

/** What kafkajs says while a coordinator moves or a broker restarts: it retries, so it is no error. */
const transient =
  /coordinator|rebalanc|re-joining|not correlated|connection (error|timeout|closed)|request timed out|leader|metadata|seed broker|heartbeat|retriable|restarting the consumer|disconnect|ECONNREFUSED|socket|Failed to send messages|Crash: |Limiting (retries|the number)/i

const logCreator =
  (logger: KafkaLogger): KafkaConfig['logCreator'] =>
  () =>
  ({ namespace, level, log }) => {
    const { message, timestamp: _, stack: __, logger: ___, ...rest } = log
    // Stacks and payloads of kafkajs may carry anything: only plain values pass.
    const fields: Record<string, unknown> = { from: `kafkajs.${namespace}` }
    for (const [name, value] of Object.entries(rest))
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
        fields[name] = value
    const text = message === '' ? String(fields.error ?? 'kafkajs') : message
    if (level === logLevel.ERROR) {
      if (transient.test(`${text} ${String(fields.error ?? '')}`)) logger.debug(fields, text)
      else logger.warn(fields, text)
    } else if (level === logLevel.WARN && !transient.test(text)) logger.warn(fields, text)
    else logger.debug(fields, text)
  }

/** kafkajs's own sockets wait for acknowledgements before they send small requests: up to 40 ms a hop. */
const quickSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // kafkajs gives no `ssl` where there is none, whatever its type says.
  const isPlain = ssl === undefined || ssl === null || Object.is(ssl, false)
  const socket = isPlain
    ? connectPlain({ host, port }, onConnect)
    : connectTls({ host, port, ...(isIP(host) === 0 && { servername: host }), ...ssl }, onConnect)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, 60_000)
  return socket
}

/** One kafkajs client of the adapter's settings. Clients share nothing: not even offsets of one group. */
export const createClient = (options: KafkaLogOptions, retry: KafkaConfig['retry']): Kafka =>
  new Kafka({
    clientId: options.clientId ?? 'zenhook',
    brokers: [...options.brokers],
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    ...(options.sasl !== undefined && { sasl: options.sasl }),
    socketFactory: options.socketFactory ?? quickSocket,
    connectionTimeout: 2_000,
    authenticationTimeout: 5_000,
    requestTimeout: options.requestTimeoutMs ?? 5_000,
    logLevel: logLevel.WARN,
    logCreator: logCreator(options.logger),
    retry: { factor: 0.2, multiplier: 2, ...retry },
  })
