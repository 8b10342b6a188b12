import { setTimeout as sleep } from 'node:timers/promises'
import { type COMPATIBILITY, SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { isZenhookError, messageOf, ZenhookError } from '../../../errors/index.ts'
import { inTime } from '../../../time/limits.ts'
import { incompatible, requireCompatible, typeOf } from '../avro.ts'
import type { AvroSchema, Schemas } from '../schemas.ts'
import { type Known, openKnown } from './known.ts'

export interface ConfluentSchemasOptions {
  /** Base URL of the Confluent API; a user and password in it are used as basic authentication. */
  url: string
  /** Of one request, ms; 5,000 by default. */
  timeoutMs?: number
  /** How long `register` goes on trying while the registry is away, ms; 15,000 by default. */
  retryForMs?: number
  /** Keeps ids and schemas here, so that a start needs the registry only for what is new. */
  file?: string
}

export interface ConfluentSchemas extends Schemas {
  /** As the registry tells it; many that speak the same API do not. Rejects where there is no answer. */
  version(): Promise<string | undefined>
}

/**
 * A Confluent-compatible schema registry. What was registered or read once needs it no more: it may be
 * away from then on, and with a file at the next start too.
 */
export const createConfluentSchemas = (options: ConfluentSchemasOptions): ConfluentSchemas => {
  const { timeoutMs = 5_000, retryForMs = 15_000 } = options
  const { host, auth } = addressOf(options.url)
  const client = new SchemaRegistry({ host, retry: { retries: 0 }, ...(auth && { auth }) })
  const registered = new Map<string, number>()
  const schemas = new Map<number, AvroSchema>()
  let opening: Promise<Known> | undefined
  const known = async (): Promise<Known | undefined> => {
    if (options.file === undefined) return undefined
    opening ??= openKnown(options.file, host)
    return opening
  }
  let awayUntil = Number.NEGATIVE_INFINITY

  const call = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    const late = (): Error => unavailable(what, `no answer within ${timeoutMs} ms`)
    try {
      return await inTime(work(), timeoutMs, late)
    } catch (error) {
      throw failure(what, error)
    }
  }

  const look = (path: string): Promise<Response> =>
    fetch(host + path, {
      headers: auth === undefined ? {} : { authorization: basic(auth) },
      signal: AbortSignal.timeout(timeoutMs),
    })

  /** Goes on while the registry is away, for a bounded time. */
  const patiently = async <T>(work: () => Promise<T>): Promise<T> => {
    const until = performance.now() + retryForMs
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      try {
        return await work()
      } catch (error) {
        const away = isZenhookError(error) && error.retriable
        if (!away || performance.now() + pauseMs > until) throw error
        await sleep(pauseMs)
      }
    }
  }

  const send = (subject: string, schema: AvroSchema, compatibility: Compatibility) =>
    client.register(
      { type: SchemaType.AVRO, schema: JSON.stringify(schema) },
      { subject, compatibility: compatibility as COMPATIBILITY },
    )

  // Several processes may meet at a new subject: its level may change under each of our steps.
  const registerOnce = async (subject: string, schema: AvroSchema): Promise<number> => {
    let level: Compatibility = ownLevel
    for (let tries = 1; ; tries += 1) {
      try {
        return (await send(subject, schema, level)).id
      } catch (error) {
        const other = isConfigurationConflict(error) ? ownLevel : levelOf(error)
        if (other === undefined || tries === maxTries) throw error
        level = other
        // NONE is also what a subject has between its first schema and its configuration.
        if (level === 'NONE') await checkLatest(subject, schema)
      }
    }
  }

  const checkLatest = async (subject: string, schema: AvroSchema): Promise<void> => {
    const latest = await client.getSchema(await client.getLatestSchemaId(subject))
    requireCompatible(subject, typeOf(schema), typeOf(plainSchema(latest)))
  }

  /** Rejects as final only where the registry itself says that it has no such schema. */
  const read = async (id: number): Promise<AvroSchema> => {
    try {
      return plainSchema(await client.getSchema(id))
    } catch (error) {
      const status = statusOf(error)
      // An event is no worse for a password that is being changed.
      if (isRefused(status)) throw refused(`read schema ${id}`, status, error, { retriable: true })
      // A proxy in front of it may say 404 too.
      if (status === 404 && !(await isMissing(id)))
        throw unavailable(`read schema ${id}`, whyOf(error), error)
      throw error
    }
  }

  const isMissing = async (id: number): Promise<boolean> => {
    const response = await look(`/schemas/ids/${id}`)
    const told: unknown = await response.json().catch(() => undefined)
    return told instanceof Object && Reflect.get(told, 'error_code') === schemaNotFound
  }

  /** The registry's answer, or the kept one while the registry is away. */
  const orKept = async <T>(ask: () => Promise<T>, kept: T): Promise<T> => {
    if (performance.now() < awayUntil) return kept
    try {
      return await ask()
    } catch (error) {
      if (!isZenhookError(error) || !error.retriable) throw error
      awayUntil = performance.now() + awayMs
      return kept
    }
  }

  return {
    register: async (subject, schema) => {
      const key = JSON.stringify([subject, schema])
      const done = registered.get(key)
      if (done !== undefined) return done
      typeOf(schema)
      const ask = () => call(`register ${subject}`, () => registerOnce(subject, schema))
      const kept = await known()
      const before = kept?.registered(subject, schema)
      const id = await (before === undefined ? patiently(ask) : orKept(ask, before))
      registered.set(key, id)
      schemas.set(id, schema)
      kept?.keepRegistered(subject, schema, id)
      return id
    },
    get: async (id) => {
      const seen = schemas.get(id)
      if (seen !== undefined) return seen
      const kept = await known()
      const before = kept?.schema(id)
      const ask = () => call(`read schema ${id}`, () => read(id))
      const schema = await (before === undefined ? ask() : orKept(ask, before))
      schemas.set(id, schema)
      kept?.keepSchema(id, schema)
      return schema
    },
    ping: () =>
      call('list subjects', async () => {
        const response = await look('/subjects')
        await response.arrayBuffer()
        if (!response.ok) throw unavailable('list subjects', `status ${response.status}`)
      }),
    version: async () => {
      const response = await look('/v1/metadata/version')
      const told: unknown = await response.json().catch(() => undefined)
      const version = response.ok && told instanceof Object && Reflect.get(told, 'version')
      return typeof version === 'string' ? version : undefined
    },
    close: async () => {
      await (await opening)?.settled()
    },
  }
}

const maxTries = 6
/** `error_code` of the Confluent API. */
const schemaNotFound = 40403
/** After one call to a registry that is away, the next ones with a kept answer do not wait for it. */
const awayMs = 10_000
const levels = ['BACKWARD', 'BACKWARD_TRANSITIVE', 'FULL', 'FULL_TRANSITIVE', 'NONE'] as const
type Compatibility = (typeof levels)[number]
/** Of new subjects: processes of any two versions that were ever released may meet at one topic. */
const ownLevel: Compatibility = 'FULL_TRANSITIVE'

type Auth = { username: string; password: string }

const addressOf = (text: string): { host: string; auth: Auth | undefined } => {
  const url = new URL(text)
  const auth =
    url.username === ''
      ? undefined
      : {
          username: decodeURIComponent(url.username),
          password: decodeURIComponent(url.password),
        }
  url.username = ''
  url.password = ''
  return { host: url.href.replace(/\/+$/, ''), auth }
}

const basic = ({ username, password }: Auth): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** The subject's own level where it keeps at least what BACKWARD keeps, or nothing at all. */
const levelOf = (error: unknown): Compatibility | undefined => {
  const [, level] = /configuration \([A-Z_]+ != ([A-Z_]+)\)/.exec(messageOf(error)) ?? []
  return levels.find((known) => known === level)
}

const isConfigurationConflict = (error: unknown): boolean =>
  error instanceof Error &&
  Reflect.get(error, 'status') === 409 &&
  String(Reflect.get(error, 'url')).startsWith('put ')

const plainSchema = (found: object): AvroSchema => {
  // The client gives a compiled type; its attributes (defaults, aliases) belong to the schema.
  const { schema } = found as { schema?: (options: { exportAttrs: boolean }) => unknown }
  const plain = schema?.call(found, { exportAttrs: true })
  if (typeof plain !== 'object' || plain === null || Reflect.get(plain, 'type') !== 'record')
    throw new ZenhookError('ZENHOOK_SCHEMAS_UNKNOWN_ID', {
      message: 'The schema is not an Avro record',
    })
  return plain as AvroSchema
}

const unavailable = (what: string, why: string, cause?: unknown): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', {
    message: `The schema registry cannot ${what}: ${why}`,
    retriable: true,
    cause,
  })

const statusOf = (error: unknown): unknown =>
  error instanceof Error ? Reflect.get(error, 'status') : undefined

const whyOf = (error: unknown): string => messageOf(error).slice(0, 500)

const isRefused = (status: unknown): boolean => status === 401 || status === 403

const refused = (
  what: string,
  status: unknown,
  cause: unknown,
  { retriable }: { retriable: boolean },
): ZenhookError =>
  new ZenhookError('ZENHOOK_SCHEMAS_UNAVAILABLE', {
    message: `The schema registry refuses to ${what}: status ${status}`,
    fix: 'Put the user and password of the registry into SCHEMA_REGISTRY_URL',
    retriable,
    cause,
  })

const failure = (what: string, error: unknown): ZenhookError => {
  if (isZenhookError(error)) return error
  const status = statusOf(error)
  const why = whyOf(error)
  if (status === 404)
    return new ZenhookError('ZENHOOK_SCHEMAS_UNKNOWN_ID', {
      message: `The schema registry cannot ${what}: ${why}`,
      cause: error,
    })
  if (status === 409 || status === 422 || /Compatibility does not match/.test(why))
    return incompatible(`The schema registry refuses to ${what}: ${why}`, error)
  if (isRefused(status)) return refused(what, status, error, { retriable: false })
  // The client reports a connection that fails as status 400.
  return unavailable(what, why, error)
}
