import { createCodec } from '../event/codec/codec.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import { createMemoryLog } from '../log/memory/index.ts'
import { topics } from '../log/topics.ts'
import { registryContract } from './contract.ts'

registryContract('the memory log', {
  timeoutMs: 2_000,
  async open() {
    const log = createMemoryLog()
    await log.ensureTopics(topics().filter(({ name }) => name === 'registry'))
    return { log, codec: await createCodec({ schemas: await createFileSchemas() }) }
  },
  close: (log) => log.close(),
})
