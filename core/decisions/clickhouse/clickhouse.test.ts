import { type ClickHouseFront, startClickHouseFront } from '../../../test/clickhouse-front/index.ts'
import { decisionsContract } from '../contract.ts'
import { createClickHouseDecisions } from './index.ts'

let front: ClickHouseFront | undefined

const started = (): ClickHouseFront => {
  if (front === undefined) throw new Error('the front is not started')
  return front
}

const harness = (
  name: string,
  outage: (server: ClickHouseFront) => Promise<() => Promise<void>>,
) => ({
  name,
  open: async () => {
    front = await startClickHouseFront()
    return createClickHouseDecisions({ url: front.url, timeoutMs: 15_000 })
  },
  reopen: async () => {
    await started().kill()
    await started().start()
    return createClickHouseDecisions({ url: started().url, timeoutMs: 15_000 })
  },
  outage: () => outage(started()),
  destroy: () => started().close(),
})

decisionsContract(
  harness('clickhouse, killed', async (server) => {
    await server.kill()
    return () => server.start()
  }),
)
