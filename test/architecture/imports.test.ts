import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { packageRoot } from '../../cli/version.ts'

const breaks: readonly [path: string, specifier: string][] = [
  ['core/errors/x.ts', '../event/index.ts'],
  ['core/event/x.ts', '../log/port.ts'],
  ['core/event/codec/x.ts', '../../log/port.ts'],
  ['core/event/codec/files/x.ts', '@kafkajs/confluent-schema-registry'],
  ['core/event/codec/confluent/x.ts', 'kafkajs'],
  ['core/log/port.ts', './memory/index.ts'],
  ['core/stage/x.ts', '../log/kafka/index.ts'],
  ['core/stage/x.ts', 'node:fs'],
  ['core/log/x.ts', './kafka/index.ts'],
  ['core/kv/x.ts', './redis/index.ts'],
  ['core/log/memory/x.ts', '../kafka/index.ts'],
  ['core/log/embedded/x.ts', 'lmdb'],
  ['core/log/kafka/x.ts', '../../kv/port.ts'],
  ['core/kv/redis/x.ts', 'kafkajs'],
  ['core/decisions/x.ts', './chdb/index.ts'],
  ['core/decisions/chdb/x.ts', 'clickhouse'],
  ['core/decisions/clickhouse/x.ts', 'chdb'],
  ['core/accounting/x.ts', '../log/memory/index.ts'],
  ['core/accounting/x.ts', '../decisions/sink.ts'],
  ['core/registry/x.ts', '../log/memory/index.ts'],
  ['core/registry/config/x.ts', '../../../ingress/verifiers/index.ts'],
  ['core/storage/x.ts', '../log/port.ts'],
  ['core/files/x.ts', '../errors/index.ts'],
  ['core/lock/x.ts', '../storage/index.ts'],
  ['core/time/x.ts', '../errors/index.ts'],
  ['core/replay/x.ts', '../log/kafka/index.ts'],
  ['core/replay/x.ts', '../../processors/index.ts'],
  ['core/replay/x.ts', '../../connectors/delivery/known.ts'],
  ['core/replay/x.ts', 'node:crypto'],
  ['core/telemetry/x.ts', '../event/index.ts'],
  ['core/telemetry/x.ts', '@opentelemetry/sdk-trace'],
  ['core/telemetry/otel/x.ts', '../../errors/index.ts'],
  ['core/config/x.ts', '../registry/port.ts'],
  ['core/net/x.ts', '../registry/types.ts'],
  ['core/expression/x.ts', '../registry/types.ts'],
  ['ingress/x.ts', '../core/log/kafka/index.ts'],
  ['ingress/x.ts', '../connectors/index.ts'],
  ['ingress/x.ts', 'undici'],
  ['ingress/spool/x.ts', '../receive.ts'],
  ['ingress/providers/x.ts', '../../core/errors/index.ts'],
  ['ingress/verifiers/x.ts', '../../core/kv/port.ts'],
  ['ingress/verifiers/x.ts', '../../core/event/make.ts'],
  ['ingress/verifiers/hmac/x.ts', '../jwt/index.ts'],
  ['processors/x.ts', '../ingress/index.ts'],
  ['processors/route/x.ts', 'node:crypto'],
  ['processors/route/x.ts', '../dedupe/index.ts'],
  ['processors/route/x.ts', '../../core/kv/redis/index.ts'],
  ['processors/route/x.ts', '../../connectors/index.ts'],
  ['processors/enrich/mappings/x.ts', '../../../core/errors/index.ts'],
  ['connectors/x.ts', '../core/log/embedded/index.ts'],
  ['connectors/delivery/x.ts', '../../core/kv/redis/index.ts'],
  ['connectors/slack/x.ts', '../jira/index.ts'],
  ['connectors/slack/x.ts', 'undici'],
  ['connectors/slack/x.ts', '../../ingress/index.ts'],
  ['api/x.ts', '../connectors/index.ts'],
  ['api/x.ts', '../core/decisions/chdb/index.ts'],
]

const allowed: readonly [path: string, specifier: string][] = [
  ['core/accounting/x.ts', '../log/port.ts'],
  ['core/log/kafka/x.ts', 'kafkajs'],
  ['core/stage/x.ts', '../kv/port.ts'],
  ['core/stage/x.ts', '../time/limits.ts'],
  ['core/decisions/x.ts', '../time/limits.ts'],
  ['core/replay/x.ts', '../stage/batch.ts'],
  ['core/storage/x.ts', '../lock/index.ts'],
  ['core/storage/x.ts', '../files/index.ts'],
  ['ingress/spool/x.ts', '../../core/lock/index.ts'],
  ['processors/route/x.ts', '../../core/stage/types.ts'],
  ['connectors/slack/x.ts', '../http.ts'],
  ['ingress/verifiers/hmac/x.ts', '../compare.ts'],
  ['ingress/verifiers/hmac/x.ts', '../../../core/event/bounds.ts'],
  ['api/x.ts', '../core/decisions/story.ts'],
  ['cli/x.ts', '../core/log/kafka/index.ts'],
  ['core/telemetry/otel/x.ts', '@opentelemetry/sdk-trace'],
]

const planted = [...breaks, ...allowed]
const fileOf = (path: string, index: number): string => path.replace(/x\.ts$/, `x${index}.ts`)

/** Plants every import in a tree of its own under the project's rules, and lints it once. */
const lint = (folder: string): ReadonlySet<string> => {
  copyFileSync(join(packageRoot(), 'biome.json'), join(folder, 'biome.json'))
  for (const [index, [path, specifier]] of planted.entries()) {
    const file = join(folder, fileOf(path, index))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, `export * from '${specifier}'\n`)
  }
  const { stdout, stderr } = spawnSync(
    join(packageRoot(), 'node_modules/.bin/biome'),
    [
      'lint',
      '--only=style/noRestrictedImports',
      '--vcs-enabled=false',
      '--max-diagnostics=none',
      '--reporter=github',
      '.',
    ],
    { cwd: folder, encoding: 'utf8' },
  )
  const found = new Set<string>()
  for (const [, file] of `${stdout}${stderr}`.matchAll(/noRestrictedImports,file=([^,]+),/g)) {
    if (file !== undefined) found.add(relative(folder, resolve(folder, file)))
  }
  return found
}

describe('import rules', () => {
  let folder: string
  let refused: ReadonlySet<string>
  beforeAll(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'zenhook-imports-')))
    refused = lint(folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(breaks.map((each, index) => [...each, index] as const))(
    'refuse that %s imports %s',
    (path, _specifier, index) => {
      expect(refused).toContain(fileOf(path, index))
    },
  )
  it.each(allowed.map((each, index) => [...each, breaks.length + index] as const))(
    'let %s import %s',
    (path, _specifier, index) => {
      expect(refused).not.toContain(fileOf(path, index))
    },
  )
})
