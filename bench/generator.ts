/** The child that sends: open loop, each request at its intended time whatever the answers do. */
import { writeFile } from 'node:fs/promises'
import { Pool } from 'undici'
import { now } from './clock.ts'
import { idAt, type Message, messageOf, source, tenant } from './messages.ts'
import { serve } from './rpc.ts'

export interface Job {
  /** Where to post. */
  url: string
  /** 16 hex digits, different in every run. */
  run: string
  /** Events per second. */
  rate: number
  count: number
  connections: number
  /** Gets one line per request: id, tenant, source, intended and real time of sending, status, time of the answer, event id. */
  file: string
}

export interface Sent {
  /** Intended times of the first and the last request. */
  firstAt: number
  lastAt: number
  /** CPU of this process while it sent, ms. */
  cpuMs: number
}

const answerTimeoutMs = 30_000

interface Slot {
  message: Message
  intendedAt: number
  sentAt: number
  /** 0 while there is none, or when the connection failed. */
  status: number
  answeredAt: number
  answer: string
}

let prepared: { job: Job; messages: readonly Message[]; pool: Pool } | undefined

const prepare = async (job: Job): Promise<void> => {
  const messages = Array.from({ length: job.count }, (_, n) => messageOf(idAt(job.run, n)))
  const { origin } = new URL(job.url)
  const pool = new Pool(origin, {
    connections: job.connections,
    pipelining: 1,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  })
  prepared = { job, messages, pool }
}

/** Resolves once every request has its answer or its failure. */
const sendAll = (path: string, pool: Pool, slots: readonly Slot[]): Promise<void> =>
  new Promise((resolve) => {
    let open = slots.length
    let next = 0
    const finish = (slot: Slot, status: number): void => {
      slot.status = status
      slot.answeredAt = now()
      open -= 1
      if (open === 0) resolve()
    }
    const send = (slot: Slot): void => {
      let status = 0
      slot.sentAt = now()
      const { body, headers } = slot.message
      pool.dispatch(
        { path, method: 'POST', headers: headers as string[], body },
        {
          onRequestStart: () => undefined,
          onResponseStart: (_, code) => {
            status = code
          },
          onResponseData: (_, chunk) => {
            slot.answer += chunk.toString('latin1')
          },
          onResponseEnd: () => finish(slot, status),
          onResponseError: () => finish(slot, 0),
        },
      )
    }
    const tick = (): void => {
      const time = now()
      for (let slot = slots[next]; slot !== undefined && slot.intendedAt <= time; ) {
        send(slot)
        slot = slots[++next]
      }
      const following = slots[next]
      if (following !== undefined) setTimeout(tick, Math.floor(following.intendedAt - now()))
    }
    tick()
  })

const eventId = /"id":"([^"]+)"/

const lineOf = ({ message, intendedAt, sentAt, status, answeredAt, answer }: Slot): string =>
  [
    message.id,
    tenant,
    source,
    intendedAt.toFixed(3),
    sentAt.toFixed(3),
    status,
    answeredAt.toFixed(3),
    eventId.exec(answer)?.[1] ?? '',
  ].join('\t')

const go = async (): Promise<Sent> => {
  if (prepared === undefined) throw new Error('nothing is prepared')
  const { job, messages, pool } = prepared
  prepared = undefined
  const firstAt = now() + 50
  const slots = messages.map((message, n) => ({
    message,
    intendedAt: firstAt + (n * 1_000) / job.rate,
    sentAt: 0,
    status: 0,
    answeredAt: 0,
    answer: '',
  }))
  const before = process.cpuUsage()
  await sendAll(new URL(job.url).pathname, pool, slots)
  const { user, system } = process.cpuUsage(before)
  await pool.destroy()
  await writeFile(job.file, `${slots.map(lineOf).join('\n')}\n`)
  return {
    firstAt,
    lastAt: slots.at(-1)?.intendedAt ?? firstAt,
    cpuMs: (user + system) / 1_000,
  }
}

serve({ prepare, go })
