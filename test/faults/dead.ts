import { createConfluentSchemas } from '../../core/event/codec/confluent/index.ts'
import { createCodec } from '../../core/event/codec/index.ts'
import type { Dead } from '../../core/event/index.ts'
import { createKafkaLog } from '../../core/log/kafka/index.ts'
import { silentLogger } from '../../core/telemetry/index.ts'
import type { FaultRig } from './rig.ts'

/** Every dead letter that is in the log. */
export const deadLetters = async (rig: FaultRig): Promise<Dead[]> => {
  const log = createKafkaLog({ brokers: rig.kafka.brokers, logger: silentLogger })
  const schemas = createConfluentSchemas({ url: rig.registry.url })
  const codec = await createCodec({
    schemas,
    topicSubject: (topic) => `zenhook.${topic}.v1-value`,
  })
  const found: Dead[] = []
  try {
    for (const { topic, partition, first, next } of await log.ends('dead')) {
      if (first === next) continue
      for await (const { value } of log.read({ topic, partition, offset: first }, next))
        if (value !== null) found.push(await codec.decode('dead', value))
    }
    return found
  } finally {
    await log.close()
    await schemas.close()
  }
}
