/**
 * The words of Zenhook, one per concept.
 *
 * - *event*: one verified request of a provider, with an id of ours.
 * - *delivery id*: the id that the provider gave it, if any. *identity*: the delivery id, else the event id.
 * - *source*: where events come in (a tenant's endpoint); *destination*: where they go out.
 * - *stage*: a pure step (dedupe, enrich, score, route); *facts*: what stages learned about an event.
 * - *decision*: what a step did with an event, and why. *run*: 'live', or the id of a replay.
 * - *dispatch*: one event on its way to one destination; *attempt*: one try of it.
 * - *position*: where a record is in the log (topic, partition, offset).
 */

export * from './bounds.ts'
export * from './identity.ts'
export * from './make.ts'
export * from './run.ts'
export * from './types.ts'
