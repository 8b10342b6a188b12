import type { Decision, Event } from './types.ts'

/** SHA-256 as lower-case hex; comes with the context, so that stages need no runtime library. */
export type Hash = (data: string | Uint8Array) => string

/** The provider's delivery id where it has one (it survives the loss of every claim), else our event id. */
export const identityOf = (event: Pick<Event, 'id' | 'deliveryId'>): string =>
  event.deliveryId ?? event.id

// Length-prefixed, so that no two lists of parts share an encoding.
const joined = (parts: readonly (string | number)[]): string =>
  parts.map((part) => `${String(part).length}:${part}`).join('')

/** Outbound `webhook-id`: the same for every copy of an event on its way to one destination. */
export const dispatchIdOf = (
  hash: Hash,
  event: Pick<Event, 'id' | 'deliveryId' | 'tenant' | 'source'>,
  destination: string,
): string =>
  `dsp_${hash(joined([event.tenant, event.source, identityOf(event), destination])).slice(0, 40)}`

/** Decision id: one per (event, dispatch, stage, attempt, run), whatever the number of log copies. */
export const decisionIdOf = (
  hash: Hash,
  eventId: string,
  decision: Pick<Decision, 'dispatchId' | 'stage' | 'attempt'>,
  run: string,
): string =>
  hash(
    joined([eventId, decision.dispatchId ?? '', decision.stage, decision.attempt ?? 0, run]),
  ).slice(0, 40)

/** When an event of ours was received, by its id: the milliseconds in a UUIDv7. */
export const timeOf = (id: string): number | undefined => {
  if (id.length !== 36 || id[14] !== '7') return undefined
  const at = Number.parseInt(id.slice(0, 8), 16) * 0x10000 + Number.parseInt(id.slice(9, 13), 16)
  return Number.isNaN(at) ? undefined : at
}
