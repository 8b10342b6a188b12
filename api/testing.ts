import { expect } from 'vitest'
import { createMemoryKv } from '../core/kv/memory/index.ts'
import type { Kv } from '../core/kv/port.ts'
import type { AnyObject, Published } from '../core/registry/port.ts'
import { snapshotOf } from '../core/registry/snapshot.ts'
import { createMetrics, silentLogger } from '../core/telemetry/index.ts'
import { createAdmin } from './app.ts'
import type { AdminDependencies, ApiDependencies, Check } from './types.ts'

export const token = 'a-token-of-this-test'

const never = (what: string) => (): never => {
  throw new Error(`${what} is not asked in this test`)
}

export interface ApiFixture {
  kv: Kv
  /** Requests to `/v1`, with the token unless told otherwise. */
  send(method: string, path: string, init?: RequestInit & { token?: string }): Promise<Response>
}

/** The admin listener over what a test cares about; everything else refuses to be asked. */
export const apiOf = (
  over: Partial<ApiDependencies> & {
    objects?: readonly AnyObject[]
    checks?: readonly Check[]
  } = {},
): ApiFixture => {
  const { objects = [], checks = [], kv = createMemoryKv(), ...rest } = over
  const admin: AdminDependencies = {
    version: '0',
    instanceId: 'i',
    metrics: createMetrics(),
    logger: silentLogger,
    checks: async () => checks,
  }
  const absent: ApiDependencies = {
    token,
    kv,
    log: new Proxy({}, { get: never('the log') }) as ApiDependencies['log'],
    codec: new Proxy({}, { get: never('the codec') }) as ApiDependencies['codec'],
    decisions: new Proxy({}, { get: never('the decisions') }) as ApiDependencies['decisions'],
    replays: new Proxy({}, { get: never('the replays') }) as ApiDependencies['replays'],
    registry: {
      snapshot: () => snapshotOf(objects, 0),
      ready: async () => undefined,
      caughtUp: () => true,
      onChange: () => () => undefined,
      close: async () => undefined,
    },
    writer: {
      publish: never('publish'),
      diff: never('diff'),
      present: async () => ({ revision: '', objects }),
    },
    logger: silentLogger,
    apply: never('apply'),
    checkObject: never('checkObject'),
    trigger: never('trigger'),
    audit: never('audit'),
    topology: () => ({ chain: 'fused', roles: [], engines: {}, nodes: [] }),
  }
  const app = createAdmin(admin, { ...absent, ...rest })
  return {
    kv,
    send: async (method, path, { token: given = token, headers, ...init } = {}) =>
      app.request(path, {
        method,
        ...init,
        headers: {
          authorization: `Bearer ${given}`,
          ...(init.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      }),
  }
}

/** Every page of a collection from this path on; each names the next one in its body and in Link. */
export const pagesFrom = async <P extends { next?: string }>(
  { send }: ApiFixture,
  first: string,
): Promise<readonly P[]> => {
  const pages: P[] = []
  for (let path = first; ; ) {
    const answer = await send('GET', path)
    const page = (await answer.json()) as P
    pages.push(page)
    const next = page.next === undefined ? null : `${first}&cursor=${page.next}`
    expect(answer.headers.get('link')).toBe(next === null ? null : `<${next}>; rel="next"`)
    if (next === null) return pages
    path = next
  }
}

export const published = (revision: string): Published => ({ revision, changed: [] })

export const bin = (tenant: string, name: string): AnyObject => ({
  kind: 'destination',
  spec: {
    tenant,
    name,
    connector: 'bin',
    config: {},
    secrets: {},
    retry: { attempts: 1, delaysMs: [] },
    ordered: false,
    allowPrivate: false,
    disabled: false,
  },
})
