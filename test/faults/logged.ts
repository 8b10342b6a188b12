import { createConfluentSchemas } from '../../core/event/codec/confluent/index.ts'
import { type Codec, createCodec } from '../../core/event/codec/index.ts'
import type { Dead } from '../../core/event/index.ts'
import { createKafkaLog } from '../../core/log/kafka/index.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import type { FaultRig } from './rig.ts'

/** Every value of a topic that is in the log, from the oldest on. */
const eachValue = async (
  rig: FaultRig,
  topic: string,
  work: (codec: Codec, value: Uint8Array) => Promise<void>,
): Promise<void> => {
  const log = createKafkaLog({ brokers: rig.kafka.brokers, logger: silentLogger })
  const schemas = createConfluentSchemas({ url: rig.registry.url })
  const codec = await createCodec({
    schemas,
    topicSubject: (topic) => `zenhook.${topic}.v1-value`,
  })
  try {
    for (const { partition, first, next } of await log.ends(topic)) {
      if (first === next) continue
      for await (const { value } of log.read({ topic, partition, offset: first }, next))
        if (value !== null) await work(codec, value)
    }
  } finally {
    await log.close()
    await schemas.close()
  }
}

/** Every dead letter that is in the log. */
export const deadLetters = async (rig: FaultRig): Promise<Dead[]> => {
  const found: Dead[] = []
  await eachValue(rig, 'dead', async (codec, value) => {
    found.push(await codec.decode('dead', value))
  })
  return found
}

/**
 * When the chain was first done with each event, wall time, ms. An event that is worked on twice is decided
 * twice, with one decision: the tables keep the newer, the log has both.
 */
export const firstDone = async (rig: FaultRig): Promise<ReadonlyMap<string, number>> => {
  const stages = new Map<string, Map<string, number>>()
  await eachValue(rig, 'decisions', async (codec, value) => {
    const { eventId, run, decisions } = await codec.decode('decisions', value)
    for (const { stage, at } of decisions) {
      if (run !== 'live' || (stage !== 'dedupe' && stage !== 'route')) continue
      const mine = stages.get(eventId) ?? new Map<string, number>()
      mine.set(stage, Math.min(at, mine.get(stage) ?? at))
      stages.set(eventId, mine)
    }
  })
  return new Map([...stages].map(([id, mine]) => [id, Math.max(...mine.values())]))
}
