import { createHash, randomUUID } from 'node:crypto'
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { presetNamed, signRequest } from '../../ingress/verifiers/index.ts'

/** A source of the rig's configuration, with what its sender knows. */
export interface Target {
  tenant: string
  source: string
  provider: 'github' | 'slack'
  secret: string
  /** Its events stay in order, by the number in their body. */
  ordered: boolean
}

/** What is known of one request: a line of the generator's log. */
export interface Line {
  /** Ours, inside the body and so in the log and at the sink. */
  mark: string
  tenant: string
  source: string
  /** The signature is wrong on purpose. */
  forged: boolean
  /** SHA-256 of the body, hex. */
  digest: string
  /** Events of a source with the same one stay in order; empty where each stands alone. */
  order: string
  sentAt: number
  /** 0 where no answer came. */
  status: number
  /** Of the event, from the answer. */
  id: string | undefined
  /** The edge said that it had this one already. */
  duplicate: boolean
  ackAt: number
  /** Why no answer came: `TimeoutError`, `ECONNREFUSED`. */
  failure: string
}

export interface Load {
  /** What was answered so far, and what was not yet is not in it. */
  lines(): readonly Line[]
  /** Sends no more; resolves with a line for every request. */
  stop(): Promise<readonly Line[]>
  /**
   * How long the instance let a question wait meanwhile that asks no server anything, ms: the part of an
   * answer's time that a busy machine costs, with or without a fault.
   */
  machineMs(line: Line): number
}

/** The sender hears nothing for so long: it gives up. */
const timeoutMs = 15_000
const probeEveryMs = 100

export const markPattern = /fault-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/
export const newMark = (): string => `fault-${randomUUID()}`

/** How many keys of order the events of one source have. */
const orders = 12

const bodies: Readonly<Record<Target['provider'], (mark: string, order: number) => object>> = {
  github: (mark, order) => ({
    zen: 'Anything added dilutes everything else.',
    hook_id: order,
    mark,
  }),
  slack: (mark) => ({
    type: 'event_callback',
    team_id: 'T0001',
    api_app_id: 'A0001',
    event_id: mark,
    event_time: Math.floor(Date.now() / 1_000),
    event: { type: 'app_mention', user: 'U1', text: 'hello', channel: 'C1', ts: '1.2' },
  }),
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  const code: unknown = Reflect.get(error, 'code')
  return typeof code === 'string' ? code : error.name
}

// As many connections as there are requests under way: who is late makes nobody else wait.
const agent = new Agent({ keepAlive: true })

const exchange = (
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
  body: Uint8Array,
): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(timeoutMs)
    const length = { 'content-length': body.byteLength }
    const sending = request(url, { agent, method, headers: { ...headers, ...length }, signal })
    sending.once('error', reject)
    sending.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sending.end(body)
  })

/** A signed request that can be sent any number of times, byte for byte. */
export interface Prepared {
  target: Target
  mark: string
  forged: boolean
  digest: string
  send(publicUrl: string): Promise<Line>
}

export interface Draft {
  mark?: string
  forged?: boolean
  /** Beside what the provider's own body has. */
  more?: object
}

export const prepare = (target: Target, draft: Draft = {}): Prepared => {
  const { mark = newMark(), forged = false, more = {} } = draft
  const { provider, secret, tenant, source } = target
  const path = `/in/${tenant}/${source}`
  const hook = Math.floor(Math.random() * orders)
  const order = target.ordered ? `${tenant}/${source}/${hook}` : ''
  const { method, headers, body } = signRequest(presetNamed(provider), {
    secret: forged ? 'f'.repeat(secret.length) : secret,
    body: JSON.stringify({ ...bodies[provider](mark, hook), ...more }),
    headers: {
      'content-type': 'application/json',
      ...(provider === 'github' && { 'x-github-event': 'ping', 'x-github-delivery': mark }),
    },
    url: `http://zenhook.test${path}`,
    now: Date.now(),
  })
  const bytes = new Uint8Array(body)
  const digest = createHash('sha256').update(bytes).digest('hex')
  const sent = Object.fromEntries(headers)
  return {
    ...{ target, mark, forged, digest },
    async send(publicUrl) {
      const sentAt = performance.now()
      const line = (status: number, id?: string, duplicate = false, failure = ''): Line => ({
        ...{ mark, tenant, source, forged, digest, order, sentAt, status, id, duplicate, failure },
        ackAt: performance.now(),
      })
      try {
        const { status, text } = await exchange(publicUrl + path, method, sent, bytes)
        if (status !== 202) return line(status)
        const { id, duplicate } = JSON.parse(text) as { id: string; duplicate?: boolean }
        return line(202, id, duplicate === true)
      } catch (error) {
        return line(0, undefined, false, reasonOf(error))
      }
    },
  }
}

export interface LoadOptions {
  targets: readonly Target[]
  /** Asked for each request, since an instance that comes back has another. */
  publicUrl(serial: number): string
  perSecond: number
  /** So long until the rate is reached, evenly: a process that has just started compiles what it runs; 0 by default. */
  rampMs?: number
}

/** Sends so many requests a second, to the targets in turn, whether or not the ones before were answered. */
export const startLoad = ({ targets, publicUrl, perSecond, rampMs = 0 }: LoadOptions): Load => {
  const lines: Line[] = []
  const underWay = new Set<Promise<void>>()
  // About one a second, as one address may fail for long without being held back.
  const forgedEvery = Math.max(40, Math.ceil(perSecond))
  let going = true
  const track = (work: Promise<void>): void => {
    underWay.add(work)
    work.then(() => underWay.delete(work))
  }
  const one = (serial: number): void => {
    const target = targets[serial % targets.length]
    if (target === undefined) return
    const prepared = prepare(target, { forged: serial % forgedEvery === forgedEvery - 1 })
    track(prepared.send(publicUrl(serial)).then((line) => void lines.push(line)))
  }
  const run = async (): Promise<void> => {
    const startedAt = performance.now()
    for (let serial = 0; going; ) {
      const ms = performance.now() - startedAt
      const effectiveMs = ms < rampMs ? ms ** 2 / (2 * rampMs) : ms - rampMs / 2
      const due = (effectiveMs * perSecond) / 1_000
      for (; serial < due; serial += 1) one(serial)
      await sleep(5)
    }
  }
  const probes: { sentAt: number; answeredAt: number }[] = []
  const probe = async (): Promise<void> => {
    const sentAt = performance.now()
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      await (await fetch(`${publicUrl(0)}/healthz`, { signal })).text()
      probes.push({ sentAt, answeredAt: performance.now() })
    } catch {
      // Nobody there: says nothing about the machine.
    }
  }
  const probing = async (): Promise<void> => {
    while (going) {
      track(probe())
      await sleep(probeEveryMs)
    }
  }
  const running = Promise.all([run(), probing()])
  return {
    machineMs: ({ sentAt, ackAt }) =>
      Math.max(
        0,
        ...probes
          .filter((each) => each.sentAt <= ackAt && each.answeredAt >= sentAt)
          .map((each) => each.answeredAt - each.sentAt),
      ),
    lines: () => lines,
    async stop() {
      going = false
      await running
      await Promise.all(underWay)
      return lines
    },
  }
}
