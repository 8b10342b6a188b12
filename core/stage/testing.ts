import { createHash } from 'node:crypto'
import { ZenhookError } from '../errors/index.ts'
import { type Event, makeEvent } from '../event/index.ts'
import type { Log } from '../log/port.ts'
import type { Item, Outcome, Stage } from './types.ts'

/** Stages and events as plain as they can be, for tests of the runner. */

export const hash = (data: string | Uint8Array): string =>
  createHash('sha256').update(data).digest('hex')
export const away = (): ZenhookError =>
  new ZenhookError('ZENHOOK_KV_UNAVAILABLE', { retriable: true })

export const eventOf = (id: string, size = 2): Event =>
  makeEvent({
    id,
    tenant: 'acme',
    source: 'hook',
    provider: 'token',
    type: 'note',
    key: 'k',
    dedupeKey: id,
    dedupeWindowMs: 1,
    receivedAt: 1,
    contentType: 'text/plain',
    headers: {},
    raw: new Uint8Array(size),
    facts: {},
    verification: { scheme: 'token', bodyCovered: false, idCovered: false },
  })

export const pass = ({ event }: Item): Outcome => ({
  kind: 'emit',
  event,
  decisions: [{ verdict: 'pass', reason: 'ok', details: {} }],
})

export const stage = (
  name: string,
  decide: (item: Item) => Outcome | Promise<Outcome> = pass,
): Stage => ({
  name,
  process: (items) => Promise.all(items.map(async (item) => decide(item))),
})

export const finish = ({ event, run }: Item): Outcome => ({
  kind: 'dispatch',
  dispatches: [
    {
      id: `dsp_${event.id}`,
      event,
      destination: 'd',
      route: 'r',
      revision: '1',
      key: 'k',
      run,
      attempt: 0,
      createdAt: 1,
      notBefore: 0,
    },
  ],
  decisions: [{ verdict: 'dispatch', reason: 'ok', dispatchId: `dsp_${event.id}`, details: {} }],
})

/** As a log where outputs and progress are separate requests, and an append is one for each record: it may be refused in part. */
export const apart = (log: Log): Log => ({
  ...log,
  capabilities: { ...log.capabilities, atomicSettle: false },
  append: async (records) => {
    const told = await Promise.allSettled(records.map((record) => log.append([record])))
    return told.flatMap((one) => {
      if (one.status === 'rejected') throw one.reason
      return one.value
    })
  },
})

/** A log whose settles fail for as long as they are told to. */
export const failing = (log: Log, broken: () => boolean): Log => ({
  ...log,
  subscribe: (options, onBatch) =>
    log.subscribe(options, (batch) =>
      onBatch({
        ...batch,
        settle: async (through, outputs) => {
          if (broken()) throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
          await batch.settle(through, outputs)
        },
      }),
    ),
})
