import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { readSpools } from '../../core/accounting/spools.ts'
import { ZenhookError } from '../../core/errors/index.ts'
import { createMemoryLog } from '../../core/log/memory/index.ts'
import { createMetrics, silentLogger } from '../../core/telemetry/index.ts'
import { createPublicServer } from '../../ingress/server.ts'
import {
  genuineHeaders,
  makeCodec,
  makeKv,
  makeSnapshot,
  makeSource,
  secret,
} from '../../ingress/testing/fakes.ts'
import { startIngress } from './data-plane.ts'

it('what an ingress says last of its spool is what stays there', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'zenhook-edge-'))
  const { kv } = makeKv()
  let appends = 0
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const log = {
    ...createMemoryLog(),
    append: async () => {
      appends += 1
      await ended
      throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
    },
  }
  const server = createPublicServer()
  const { url } = await server.listen({ host: '127.0.0.1', port: 0 })
  const edge = await startIngress(
    {
      codec: await makeCodec(),
      metrics: createMetrics(),
      logger: silentLogger,
      tracer: undefined,
      settings: { dataDir, publicUrl: undefined },
      engines: { log, kv },
      registry: {
        reader: { snapshot: () => makeSnapshot([makeSource()]), caughtUp: () => true },
        secrets: { resolve: async () => secret },
      },
    },
    {},
    { url, server },
  )
  try {
    const answer = fetch(`${url}/in/acme/github`, {
      method: 'POST',
      body: '{}',
      headers: genuineHeaders('{}', 'd1'),
    })
    await vi.waitFor(() => expect(appends).toBe(1))
    const closed = edge.close()
    // Whoever would tell before the end tells now.
    await new Promise((resolve) => setTimeout(resolve, 200))
    end()
    expect((await answer).status).toBe(202)
    await closed
    expect([...(await readSpools(kv)).values()]).toMatchObject([{ records: 1 }])
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
})
