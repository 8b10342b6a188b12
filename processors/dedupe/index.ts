import { z } from 'zod'
import type { ComponentSpec } from '../../core/config/component.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import type { Claim } from '../../core/kv/port.ts'
import type { Item, Outcome, Stage, StageContext } from '../../core/stage/types.ts'

export const dedupeSpec: ComponentSpec<Record<string, never>> = {
  name: 'dedupe',
  kind: 'stage',
  summary:
    'Lets the first of equal events pass and drops the others, by claims that name their owner',
  status: 'stable',
  config: z.strictObject({}),
  reasons: {
    first: 'No other event holds the dedupe key within its window',
    duplicate: 'Another event with the same dedupe key was received within the window',
    log_copy: 'The log holds this very event twice; the other copy is processed',
  },
  examples: [
    {
      title: 'Two equal bodies within an hour are one event',
      yaml: 'sources:\n  monitor:\n    dedupe: { window: 1h }\n',
    },
  ],
}

// Keys of state stores are bounded (LMDB: 1,978 bytes), those of providers are not.
const longestKey = 200

/** A claim belongs to the record, not to the event: a second log copy differs only in its position. */
const ownerOf = ({ event, position }: Item): string =>
  `${event.id}@${position.topic}/${position.partition}/${position.offset}`

const eventIdOf = (owner: string): string => owner.slice(0, owner.lastIndexOf('@'))

const claimOf = (item: Item, hash: StageContext['hash']): Claim => {
  const { event, run } = item
  const key =
    event.dedupeKey.length > longestKey ? `#${hash(event.dedupeKey)}` : `=${event.dedupeKey}`
  return {
    // A replay claims for itself: what was live must not silence it, nor it what comes live.
    key: `dedupe/${run}/${event.tenant}/${event.source}/${key}`,
    owner: ownerOf(item),
    at: event.receivedAt,
    windowMs: event.dedupeWindowMs,
  }
}

const decisions = [{ verdict: 'pass', reason: 'first', details: {} }] as const

/** Rejects with the state store's error when that is away: a stage that cannot know waits. */
export const createDedupe = ({ kv, hash }: StageContext): Stage => ({
  name: 'dedupe',
  async process(items) {
    const claims = items.map((item) => claimOf(item, hash))
    const holders = await kv.claim(claims)
    return items.map((item, index): Outcome => {
      const holder = holders[index]
      if (holder === undefined)
        throw new ZenhookError('ZENHOOK_KV_UNAVAILABLE', {
          message: `The state store answered ${holders.length} of ${items.length} claims`,
          retriable: true,
        })
      if (holder.owner === claims[index]?.owner)
        return { kind: 'emit', event: item.event, decisions }
      const firstEventId = eventIdOf(holder.owner)
      const copy = firstEventId === item.event.id
      const reason = copy ? 'log_copy' : 'duplicate'
      const { dedupeWindowMs: windowMs, deliveryId, receivedAt } = item.event
      return {
        kind: 'drop',
        reason,
        ...(copy && { copy }),
        decisions: [
          {
            verdict: 'drop',
            reason,
            details: {
              firstEventId,
              firstReceivedAt: holder.at,
              apartMs: receivedAt - holder.at,
              windowMs,
              by: deliveryId === undefined ? 'content' : 'delivery_id',
            },
          },
        ],
      }
    })
  },
})
