import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isZenhookError, type ZenhookError } from '../errors/index.ts'
import { loadSettings, type SettingsSources, showSettings } from './env.ts'

const load = (env: SettingsSources['env'], more: Partial<SettingsSources> = {}) =>
  loadSettings({ env, ...more })

const faultOf = (
  env: SettingsSources['env'],
  more: Partial<SettingsSources> = {},
): ZenhookError => {
  try {
    load(env, more)
  } catch (error) {
    if (isZenhookError(error)) return error
    throw error
  }
  throw new Error('the settings were accepted')
}

describe('settings', () => {
  test('are typed, and default', () => {
    const { settings, warnings } = load({})
    expect(warnings).toEqual([])
    expect(settings.port).toEqual({ value: 8080, origin: 'default', from: '' })
    expect(settings.kafkaBrokers.value).toEqual([])
    expect(settings.redisUrl.value).toBeUndefined()
  })

  test('read the environment', () => {
    const { settings } = load({
      PORT: '9000',
      KAFKA_BROKERS: 'a:9092, [::1]:9093',
      KAFKA_SSL: 'Yes',
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      REDIS_URL: 'rediss://user:pw@cache:6379/1',
      OTEL_RESOURCE_ATTRIBUTES: 'a=1,b=x%2Cy',
      NO_COLOR: '1',
      HOST: '',
    })
    expect(settings.port).toEqual({ value: 9000, origin: 'environment', from: 'PORT' })
    expect(settings.kafkaBrokers.value).toEqual(['a:9092', '[::1]:9093'])
    expect(settings.kafkaSsl.value).toBe(true)
    expect(settings.kafkaSaslMechanism.value).toBe('scram-sha-256')
    expect(settings.otelResource.value).toEqual({ a: '1', b: 'x,y' })
    expect(settings.noColor.value).toBe(true)
    expect(settings.host.origin, 'empty is absent').toBe('default')
  })

  test('prefer flags, then the environment, then the file, then the default', () => {
    const folder = mkdtempSync(join(tmpdir(), 'zenhook-env-'))
    try {
      const file = join(folder, 'token')
      writeFileSync(file, 'from-file\n')
      const env = { ZENHOOK_TOKEN: 'from-env', ZENHOOK_TOKEN_FILE: file }
      const origin = (sources: SettingsSources) => loadSettings(sources).settings.token
      expect(origin({ env, flags: { token: 'from-flag' } })).toEqual({
        value: 'from-flag',
        origin: 'flag',
        from: '--token',
      })
      expect(origin({ env })).toEqual({
        value: 'from-env',
        origin: 'environment',
        from: 'ZENHOOK_TOKEN',
      })
      expect(origin({ env: { ZENHOOK_TOKEN_FILE: file } })).toEqual({
        value: 'from-file',
        origin: 'file',
        from: 'ZENHOOK_TOKEN_FILE',
      })
      expect(origin({ env: {} })).toEqual({ value: undefined, origin: 'default', from: '' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test('are printed without secrets', () => {
    const { settings } = load({
      ZENHOOK_TOKEN: 'canary-token',
      REDIS_URL: 'redis://user:canary-redis@cache:6379',
      KAFKA_SASL_PASSWORD: 'canary-kafka',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=canary-otel',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://user:canary-otel@collector/v1/traces',
      KAFKA_BROKERS: 'a:1,b:2',
    })
    const shown = showSettings(settings)
    expect(JSON.stringify(shown)).not.toContain('canary')
    expect(shown.find(({ env }) => env === 'REDIS_URL')?.value).toBe('redis://user:***@cache:6379')
    expect(shown.find(({ env }) => env === 'ZENHOOK_TOKEN')).toMatchObject({
      value: '***',
      origin: 'environment',
    })
    expect(shown.find(({ env }) => env === 'KAFKA_BROKERS')?.value).toBe('a:1,b:2')
  })

  test('give tenants weights, and print them', () => {
    const { settings } = load({ TENANT_WEIGHTS: 'acme=4, globex=0.5' })
    expect([...settings.tenantWeights.value]).toEqual([
      ['acme', 4],
      ['globex', 0.5],
    ])
    const shown = showSettings(settings).find(({ env }) => env === 'TENANT_WEIGHTS')
    expect(shown?.value).toBe('acme=4,globex=0.5')
  })

  test('name every bad variable, what it is and what is expected', () => {
    const error = faultOf({
      PORT: 'abc',
      KAFKA_BROKERS: 'broker',
      REDIS_URL: 'http://x',
      LOG_LEVEL: 'loud',
      KAFKA_SSL: 'maybe',
      KAFKA_TOPIC_PREFIX: 'Zen Hook',
    })
    expect(error.code).toBe('ZENHOOK_CONFIG_BAD_ENV')
    expect(error.message).toContain("PORT is 'abc', expected a whole number from 0 to 65535")
    for (const name of ['KAFKA_BROKERS', 'REDIS_URL', 'LOG_LEVEL', 'KAFKA_SSL', 'KAFKA_TOPIC']) {
      expect(error.message).toContain(name)
      expect(error.fix).toContain(name)
    }
  })

  test.each([
    [{ PORT: '65536' }, {}],
    [{ PORT: '-1' }, {}],
    [{ PORT: '80.5' }, {}],
    [{ KAFKA_BROKERS: 'a:1,' }, {}],
    [{ KAFKA_BROKERS: 'a:0' }, {}],
    [{ PUBLIC_URL: 'example.com' }, {}],
    [{ PUBLIC_URL: 'https://user:secret@example.com' }, {}],
    [{ PUBLIC_URL: 'https://example.com/?' }, {}],
    [{ SCHEMA_REGISTRY_URL: 'http://a:8081,http://b:8081' }, {}],
    [{ SCHEMA_REGISTRY_URL: 'http://a,http://b' }, {}],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, {}],
    [{ TRUSTED_PROXIES: '10.0.0.1,proxy' }, {}],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'novalue' }, {}],
    [{ TENANT_WEIGHTS: 'acme' }, {}],
    [{ TENANT_WEIGHTS: 'acme=0' }, {}],
    [{ TENANT_WEIGHTS: 'acme=2,globex=-1' }, {}],
    [{}, { flags: { port: 'x' } }],
  ])('refuse %j', (env, more) => {
    expect(faultOf(env, more).code).toBe('ZENHOOK_CONFIG_BAD_ENV')
  })

  test('never show a bad secret, nor a bad URL that may hold one', () => {
    const error = faultOf({
      REDIS_URL: 'canary-secret',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https//user:canary@collector',
      PUBLIC_URL: 'ftp://user:canary@example.com',
    })
    expect(`${error.message}${error.fix}${JSON.stringify(error.details)}`).not.toContain('canary')
  })

  test('say that a file cannot be read', () => {
    expect(faultOf({ ZENHOOK_TOKEN_FILE: '/nowhere/at/all' }).message).toMatch(
      /ZENHOOK_TOKEN_FILE is '\/nowhere\/at\/all', which cannot be read \(ENOENT\)/,
    )
  })

  test('warn of unknown variables with our prefix', () => {
    const { warnings } = load({
      ZENHOOK_TOKNE: 'x',
      ZENHOOK_SOMETHING_ELSE: 'x',
      ZENHOOK_TEST_SERVERS: 'required',
      ZENHOOK_USE_DIST: '1',
      ZENHOOK_TOKEN_FILE: '',
    })
    expect(warnings).toEqual([
      'ZENHOOK_SOMETHING_ELSE is not a variable of Zenhook',
      'ZENHOOK_TOKNE is not a variable of Zenhook; did you mean ZENHOOK_TOKEN?',
    ])
  })
})
