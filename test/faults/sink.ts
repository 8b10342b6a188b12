import { type Answer, type Receiver, startReceiver } from '../fakes/receiver.ts'
import { markPattern } from './load.ts'

/** One delivery, in as few bytes as a long run can keep. */
export interface Delivery {
  mark: string
  /** The `webhook-id`: what a receiver that honours it acts on once. */
  id: string
  /** SHA-256 of the body, hex. */
  digest: string
  /** Wall time, ms. */
  at: number
  path: string
}

/** A webhook receiver that keeps what it must know of every delivery, and fails on demand. */
export interface Sink {
  readonly url: string
  /** What goes wrong with every request while it is set. */
  fault: Receiver['fault']
  /** What a path answers instead of 204. */
  readonly answers: Map<string, Answer>
  deliveries(): readonly Delivery[]
  /** Forgets what came so far. */
  clear(): void
  close(): Promise<void>
}

const gatherEveryMs = 250

export const startSink = async (): Promise<Sink> => {
  const answers = new Map<string, Answer>()
  const receiver = await startReceiver(({ url }) => answers.get(url) ?? { status: 204 })
  let deliveries: Delivery[] = []
  const gather = (): void => {
    for (const { at, body, digest, headers, url } of receiver.arrivals.splice(0)) {
      const [mark] = markPattern.exec(body.toString('latin1')) ?? []
      if (mark === undefined) continue
      deliveries.push({ mark, id: headers['webhook-id'] ?? '', digest, at, path: url })
    }
  }
  const gathering = setInterval(gather, gatherEveryMs)
  return {
    url: receiver.url,
    answers,
    get fault() {
      return receiver.fault
    },
    set fault(fault) {
      receiver.fault = fault
    },
    deliveries() {
      gather()
      return deliveries
    },
    clear() {
      gather()
      deliveries = []
    },
    async close() {
      clearInterval(gathering)
      await receiver.close()
    },
  }
}
