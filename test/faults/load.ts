import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { presetNamed, signRequest } from '../../ingress/verifiers/index.ts'
import { type FaultRig, type SourceName, sourceNames } from './rig.ts'

/** What is known of one request: a line of the generator's log. */
export interface Line {
  /** Ours, inside the body and so in the log and at the sink. */
  mark: string
  tenant: string
  source: SourceName
  /** The signature is wrong on purpose. */
  forged: boolean
  sentAt: number
  /** 0 where no answer came. */
  status: number
  /** Of the event, from the answer. */
  id: string | undefined
  ackAt: number
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

const tenant = 'acme'
/** One of so many is forged. */
const forgedEvery = 40
/** The sender hears nothing for so long: it gives up. */
const timeoutMs = 15_000
const probeEveryMs = 100

export const markPattern = /fault-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

const bodies: Readonly<Record<SourceName, (mark: string) => unknown>> = {
  github: (mark) => ({ zen: 'Anything added dilutes everything else.', hook_id: 1, mark }),
  slack: (mark) => ({
    type: 'event_callback',
    team_id: 'T0001',
    api_app_id: 'A0001',
    event_id: mark,
    event_time: Math.floor(Date.now() / 1_000),
    event: { type: 'app_mention', user: 'U1', text: 'hello', channel: 'C1', ts: '1.2' },
  }),
}

const headersOf = (source: SourceName, mark: string): Record<string, string> =>
  source === 'slack'
    ? { 'content-type': 'application/json' }
    : {
        'content-type': 'application/json',
        'x-github-event': 'ping',
        'x-github-delivery': mark,
      }

const send = async (
  publicUrl: string,
  secret: string,
  source: SourceName,
  forged: boolean,
): Promise<Line> => {
  const mark = `fault-${randomUUID()}`
  const { url, method, headers, body } = signRequest(presetNamed(source), {
    secret: forged ? 'f'.repeat(secret.length) : secret,
    body: JSON.stringify(bodies[source](mark)),
    headers: headersOf(source, mark),
    url: `${publicUrl}/in/${tenant}/${source}`,
    now: Date.now(),
  })
  const sentAt = performance.now()
  const line = (status: number, id?: string): Line => ({
    ...{ mark, tenant, source, forged, sentAt, status, id },
    ackAt: performance.now(),
  })
  try {
    const response = await fetch(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body: new Uint8Array(body),
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await response.text()
    if (response.status !== 202) return line(response.status)
    return line(202, (JSON.parse(text) as { id: string }).id)
  } catch {
    return line(0)
  }
}

/**
 * Sends so many requests a second, of both sources in turn, whether or not the ones before were
 * answered. `publicUrl` is asked for each, since an instance that comes back has another.
 */
export const startLoad = (
  { secrets }: Pick<FaultRig, 'secrets'>,
  publicUrl: () => string,
  perSecond = 50,
): Load => {
  const lines: Line[] = []
  const underWay = new Set<Promise<void>>()
  let going = true
  const one = (serial: number): void => {
    const source = sourceNames[serial % sourceNames.length] ?? 'github'
    const forged = serial % forgedEvery === forgedEvery - 1
    const work = send(publicUrl(), secrets[source], source, forged).then((line) => {
      lines.push(line)
      underWay.delete(work)
    })
    underWay.add(work)
  }
  const run = async (): Promise<void> => {
    const startedAt = performance.now()
    for (let serial = 0; going; ) {
      const due = ((performance.now() - startedAt) * perSecond) / 1_000
      for (; serial < due; serial += 1) one(serial)
      await sleep(5)
    }
  }
  const probes: { sentAt: number; answeredAt: number }[] = []
  const probe = async (): Promise<void> => {
    const sentAt = performance.now()
    try {
      const signal = AbortSignal.timeout(timeoutMs)
      await (await fetch(`${publicUrl()}/healthz`, { signal })).text()
      probes.push({ sentAt, answeredAt: performance.now() })
    } catch {
      // Nobody there: says nothing about the machine.
    }
  }
  const probing = async (): Promise<void> => {
    while (going) {
      underWayProbe(probe())
      await sleep(probeEveryMs)
    }
  }
  const underWayProbe = (work: Promise<void>): void => {
    underWay.add(work)
    work.then(() => underWay.delete(work))
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
