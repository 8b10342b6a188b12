import { liveRun, type Position } from '../../core/event/index.ts'
import type { Kv } from '../../core/kv/port.ts'
import { type DispatchRecord, dispatchKey } from './records.ts'

/** What the connectors know about a dispatch, for those who think of sending it again. */
export interface KnownDispatch {
  /** Its destination has it. */
  delivered: boolean
  /** The record of `dispatch` that was last attempted. */
  position?: Position
  /** The run that was at it last. */
  run: string
}

const positionOf = (text: string): Position | undefined => {
  const [, topic, partition, offset] = /^(.+)\/(\d+)\/(\d+)$/.exec(text) ?? []
  return topic === undefined
    ? undefined
    : { topic, partition: Number(partition), offset: Number(offset) }
}

const shown = ({ position, run = liveRun, ...record }: DispatchRecord): KnownDispatch => {
  const found = positionOf(position)
  return {
    delivered:
      record.had !== undefined ||
      (record.state === 'ended' && record.ending.verdict === 'delivered'),
    run,
    ...(found === undefined ? {} : { position: found }),
  }
}

/** By dispatch id, index by index; `undefined` for what was never attempted, or long ago. */
export const knownDispatches =
  (kv: Kv) =>
  async (ids: readonly string[]): Promise<readonly (KnownDispatch | undefined)[]> => {
    const texts = await kv.get(ids.map((id) => dispatchKey({ id })))
    return texts.map((text) =>
      text === undefined ? undefined : shown(JSON.parse(text) as DispatchRecord),
    )
  }
