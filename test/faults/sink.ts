import { type Answer, type Arrival, type Receiver, startReceiver } from '../fakes/receiver.ts'
import { markPattern } from './load.ts'

/** One delivery that had its effect, in as few bytes as a long run can keep. */
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
  /** What a path answers instead of 204; with 300 and above a delivery has no effect. */
  readonly answers: Map<string, Answer>
  deliveries(): readonly Delivery[]
  /** Requests that came so far, with and without an effect, and when. */
  attempts(): readonly { path: string; at: number }[]
  /** Forgets what came so far. */
  clear(): void
  close(): Promise<void>
}

const gatherEveryMs = 250

export const startSink = async (): Promise<Sink> => {
  const answers = new Map<string, Answer>()
  let deliveries: Delivery[] = []
  let attempts: { path: string; at: number }[] = []
  const act = ({ at, body, digest, headers, url }: Arrival): void => {
    const [mark] = markPattern.exec(body.toString('latin1')) ?? []
    if (mark === undefined) return
    deliveries.push({ mark, id: headers['webhook-id'] ?? '', digest, at, path: url })
  }
  const receiver = await startReceiver((arrival) => {
    const answer = answers.get(arrival.url) ?? { status: 204 }
    if (answer.status < 300) act(arrival)
    return answer
  })
  // Its own list keeps every body: too much for a long run.
  const gather = (): void => {
    for (const { url, at } of receiver.arrivals.splice(0)) attempts.push({ path: url, at })
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
    deliveries: () => deliveries,
    attempts() {
      gather()
      return attempts
    },
    clear() {
      gather()
      deliveries = []
      attempts = []
    },
    async close() {
      clearInterval(gathering)
      await receiver.close()
    },
  }
}
