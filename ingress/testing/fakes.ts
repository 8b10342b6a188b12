import { createHmac } from 'node:crypto'
import { ZenhookError } from '../../core/errors/index.ts'
import { createCodec } from '../../core/event/codec/codec.ts'
import { createFileSchemas } from '../../core/event/codec/files/index.ts'
import type { Codec } from '../../core/event/codec/index.ts'
import type { Entry, Kv } from '../../core/kv/port.ts'
import type { Log, NewRecord } from '../../core/log/port.ts'
import type { Snapshot, Source } from '../../core/registry/types.ts'
import { createVerifier } from '../verifiers/create.ts'

export const secret = 'a-secret-for-tests-only'

export const makeSource = (over: Partial<Source> = {}): Source => ({
  tenant: 'acme',
  name: 'github',
  provider: 'github',
  secrets: ['plain:1'],
  dedupe: {},
  maxBody: 1024 * 1024,
  replay: 'accept',
  ...over,
})

export const makeSnapshot = (sources: readonly Source[]): Snapshot => {
  const index = new Map(sources.map((source) => [`${source.tenant}/${source.name}`, source]))
  return {
    revision: 'r1',
    publishedAt: 0,
    tenants: () => [...new Set(sources.map(({ tenant }) => tenant))],
    source: (tenant, name) => index.get(`${tenant}/${name}`),
    destination: () => undefined,
    routes: () => [],
    sources: () => sources,
    destinations: () => [],
  }
}

export const githubSignature = (body: Uint8Array | string, key = secret): string =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`

export const genuineHeaders = (
  body: Uint8Array | string,
  delivery?: string,
): Record<string, string> => ({
  'content-type': 'application/json',
  'x-github-event': 'push',
  'x-hub-signature-256': githubSignature(body),
  ...(delivery === undefined ? {} : { 'x-github-delivery': delivery }),
})

export const makeCodec = async (): Promise<Codec> =>
  createCodec({ schemas: await createFileSchemas() })

export const verifierOf = (source: Source, secrets: readonly string[] = [secret]) =>
  createVerifier({
    secrets,
    ...(source.provider === undefined ? {} : { provider: source.provider }),
    ...(source.verify === undefined ? {} : { verify: source.verify }),
  })

/** A log that fails as it is told. */
export interface FaultyLog extends Pick<Log, 'append'> {
  /** `late` stores and answers only once released; `lost` never answers and stores nothing. */
  mode: 'ok' | 'reject' | 'late' | 'lost' | 'too-large'
  calls: number
  release(): void
}

export const faulty = (inner: Pick<Log, 'append'>): FaultyLog => {
  let waiting: (() => void)[] = []
  const log: FaultyLog = {
    mode: 'ok',
    calls: 0,
    release() {
      const now = waiting
      waiting = []
      for (const go of now) go()
    },
    async append(records: readonly NewRecord[]) {
      log.calls += 1
      if (log.mode === 'reject')
        throw new ZenhookError('ZENHOOK_LOG_UNAVAILABLE', { retriable: true })
      if (log.mode === 'too-large') throw new ZenhookError('ZENHOOK_LOG_RECORD_TOO_LARGE')
      if (log.mode === 'lost') return new Promise(() => {})
      const positions = await inner.append(records)
      if (log.mode === 'late')
        await new Promise<void>((resolve) => {
          waiting.push(resolve)
        })
      return positions
    },
  }
  return log
}

/** Keyed state of one process, as far as nonces use it, that can be away. */
export const makeKv = () => {
  const map = new Map<string, { value: string; until: number }>()
  const live = (key: string): string | undefined => {
    const found = map.get(key)
    return found !== undefined && found.until > Date.now() ? found.value : undefined
  }
  const state = { mode: 'ok' as 'ok' | 'reject' | 'hang', calls: 0 }
  const gate = async (): Promise<void> => {
    state.calls += 1
    if (state.mode === 'reject') throw new Error('the store is away')
    if (state.mode === 'hang') await new Promise(() => {})
  }
  const put = ({ key, value, ttlMs }: Entry): void => {
    map.set(key, { value, until: Date.now() + ttlMs })
  }
  const kv: Kv = {
    capabilities: { multiProcess: false, survivesRestart: false },
    claim: async () => [],
    async get(keys) {
      await gate()
      return keys.map(live)
    },
    async set(entries) {
      await gate()
      entries.forEach(put)
    },
    async replace(entries) {
      await gate()
      return entries.map((entry) => {
        if (live(entry.key) !== entry.expected) return false
        put(entry)
        return true
      })
    },
    async delete(keys) {
      await gate()
      for (const key of keys) map.delete(key)
    },
    add: async () => 0,
    ping: gate,
    close: async () => {},
  }
  return Object.assign(state, { kv, map })
}
