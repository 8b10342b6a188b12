import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SASLOptions } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type KafkaCluster, startKafka } from '../../../scripts/servers/kafka.ts'
import { createAuthority } from '../../../test/certificates.ts'
import { zenhook } from '../../../test/cli/harness.ts'
import { testServers } from '../../../test/servers.ts'
import { silentLogger } from '../../telemetry/index.ts'
import { codeOf, lastOf, text, textOf } from '../contract-harness.ts'
import type { Log } from '../port.ts'
import { createKafkaLog, type KafkaLogOptions } from './index.ts'

const username = 'zenhook'
const password = 'a password that nobody prints'
const spec = { name: 'received', partitions: 2, retentionMs: 60_000, maxMessageBytes: 1_048_576 }

const { kafka, reason } = await testServers()

describe.skipIf(kafka === undefined)(
  `a broker behind TLS and a login${reason ? ` (${reason})` : ''}`,
  { timeout: 60_000 },
  () => {
    let folder = ''
    let authority: ReturnType<typeof createAuthority>
    let cluster: KafkaCluster | undefined
    let brokers: string[] = []
    const logs: Log[] = []

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'zenhook-secure-'))
      authority = createAuthority(folder)
      const { cert, key } = authority.issue('broker', 'IP:127.0.0.1')
      const secure = { cert, key, username, password }
      cluster = await startKafka({ dir: join(folder, 'kafka'), nodes: 1, secure })
      brokers = cluster.state.nodes.map(({ securePort }) => `127.0.0.1:${securePort}`)
    }, 120_000)
    afterAll(async () => {
      await Promise.all(logs.map((log) => log.close()))
      await cluster?.down()
      await rm(folder, { recursive: true, force: true })
    }, 60_000)

    const open = (prefix: string, more: Partial<KafkaLogOptions>): Log => {
      const log = createKafkaLog({ brokers, prefix, logger: silentLogger, ...more })
      logs.push(log)
      return log
    }
    const withPassword = (mechanism: string, given = password): SASLOptions =>
      ({ mechanism, username, password: given }) as SASLOptions

    it.each(['plain', 'scram-sha-512'])('takes and gives records by %s', async (mechanism) => {
      const log = open(`by-${mechanism}`, {
        ssl: { ca: authority.ca },
        sasl: withPassword(mechanism),
      })
      await log.ensureTopics([spec])
      const [position] = await log.append([{ topic: 'received', key: 'k', value: text('v') }])
      expect(position?.offset).toBe(0)
      const seen: string[] = []
      const wanted = { group: 'g', topics: ['received'] }
      const subscription = await log.subscribe(wanted, async (batch) => {
        seen.push(...batch.records.map(textOf))
        await batch.settle(lastOf(batch.records))
        return undefined
      })
      await vi.waitFor(() => expect(seen).toEqual(['v']), 30_000)
      await subscription.close()
    })

    /** What an append is refused with, and all that it says. */
    const refusal = async (log: Log): Promise<{ code: string; all: string }> => {
      const appending = log.append([{ topic: 'received', key: 'k', value: text('v') }])
      const code = await codeOf(appending)
      const error: unknown = await appending.catch((thrown: unknown) => thrown)
      const cause = error instanceof Error ? error.cause : undefined
      return { code, all: `${String(error)} ${String(cause)}` }
    }

    it.each(['plain', 'scram-sha-512'])(
      'refuses another password by %s, and says so without it',
      async (mechanism) => {
        const wrong = 'not the password at all'
        const { code, all } = await refusal(
          open('p', { ssl: { ca: authority.ca }, sasl: withPassword(mechanism, wrong) }),
        )
        expect(code).toBe('ZENHOOK_LOG_UNAVAILABLE')
        expect(all).toMatch(/authentication/i)
        expect(all).not.toContain(wrong)
      },
    )

    it('is not talked to where nobody vouches for it', async () => {
      const { code, all } = await refusal(open('p', { ssl: true, sasl: withPassword('plain') }))
      expect(code).toBe('ZENHOOK_LOG_UNAVAILABLE')
      expect(all).toMatch(/certificate/i)
      expect(all).not.toContain(password)
    })

    const doctor = async (environment: Record<string, string>): Promise<string> => {
      const env = { KAFKA_BROKERS: brokers.join(), ...environment }
      const { out, err } = await zenhook(['doctor', '--data-dir', join(folder, 'data')], { env })
      return out + err
    }

    it('is reached by what the environment says, and doctor tells what is wrong with that', async () => {
      const ca = join(folder, 'trusted.pem')
      await writeFile(ca, authority.ca)
      const login = {
        KAFKA_SSL: 'true',
        KAFKA_SASL_MECHANISM: 'scram-sha-512',
        KAFKA_SASL_USERNAME: username,
        KAFKA_SASL_PASSWORD: password,
      }
      expect(await doctor({ ...login, NODE_EXTRA_CA_CERTS: ca })).toMatch(
        /ok\s+log\s+Apache Kafka at 127/,
      )
      expect(await doctor(login)).toMatch(/log.*certificate/i)
      const wrong = { ...login, NODE_EXTRA_CA_CERTS: ca, KAFKA_SASL_PASSWORD: 'not the password' }
      const said = await doctor(wrong)
      expect(said).toMatch(/log.*authentication/i)
      expect(said).not.toContain('not the password')
    })
  },
)
