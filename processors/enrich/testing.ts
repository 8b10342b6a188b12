import type { EventFields } from '../../core/event/index.ts'
import { contextOf, eventOf, itemOf, never } from '../testing.ts'
import { createEnrich, type Facts } from './index.ts'

/** What enrich says of an event with such fields. */
export const factsOf = async (
  fields: Partial<EventFields> & { body?: unknown },
): Promise<Facts> => {
  const [outcome] = await createEnrich(contextOf()).process([itemOf(eventOf(fields))], never)
  if (outcome?.kind !== 'emit') throw new Error('not emitted')
  return outcome.event.facts as unknown as Facts
}
