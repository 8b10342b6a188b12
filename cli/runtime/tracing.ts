import { fullTopicName } from '../../core/log/topics.ts'
import {
  createMessaging,
  type ExportingTracer,
  type Logger,
  openTracer,
} from '../../core/telemetry/index.ts'
import type { Settings } from '../settings.ts'

const itself = (name: string): string => name

/** The tracer that the environment asks for; topics and groups are named as others see them. */
export const openTracing = (
  { tracing, kafka, topicPrefix }: Settings,
  logger: Logger,
): Promise<ExportingTracer | undefined> =>
  openTracer(
    tracing,
    createMessaging(
      kafka === undefined
        ? { system: 'zenhook', topic: itself, group: itself }
        : {
            system: 'kafka',
            topic: (name) => fullTopicName(topicPrefix, name),
            group: (name) => `${topicPrefix}.${name}`,
          },
    ),
    logger,
  )
