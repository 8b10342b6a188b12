/** `npm run bench`: figures for each set of engines, beside the ceilings of the same machine. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { conditions } from './machine.ts'
import { type Bench, measureCeilings, measureSystem, profileSystem } from './measure.ts'
import { bodySize } from './messages.ts'
import { type Options, readOptions, UsageError, usage } from './options.ts'
import { type Figures, isComplete, missedTargets, text } from './report.ts'
import { startChild } from './rpc.ts'

const note = (line: string): void => void process.stderr.write(`${line}\n`)

const build = async (): Promise<void> => {
  note('building')
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  try {
    await promisify(execFile)('npm', ['run', '--silent', 'build'], { cwd })
  } catch (error) {
    const printed = error instanceof Error ? String(Reflect.get(error, 'stdout')) : ''
    throw new Error(`npm run build failed\n${printed}`, { cause: error })
  }
}

const measure = async (bench: Bench): Promise<Figures> => {
  const { options } = bench
  const figures = {
    conditions: conditions(),
    payloadBytes: bodySize,
    seconds: options.seconds,
    systems: [] as Figures['systems'][number][],
    profiles: [] as Figures['profiles'][number][],
    missing: [] as string[],
  }
  // What cannot run here (no Java, no Redis) leaves the other figures standing.
  const attempt = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work()
    } catch (error) {
      if (bench.stopping.aborted) throw error
      const why = error instanceof Error ? error.message : String(error)
      note(`${name}: ${why}`)
      figures.missing.push(`${name}: ${why.split('\n')[0]}`)
      return undefined
    }
  }
  const { profile } = options
  for (const name of options.engines) {
    if (profile === undefined) {
      const measured = await attempt(name, () => measureSystem(bench, name))
      if (measured !== undefined) figures.systems.push(measured)
    } else {
      const profiled = await attempt(name, () => profileSystem(bench, name, profile))
      if (profiled !== undefined) figures.profiles.push(profiled)
    }
  }
  const ceilings = options.ceilings
    ? await attempt('ceilings', () => measureCeilings(bench))
    : undefined
  return { ...figures, ...(ceilings && { ceilings }) }
}

const run = async (options: Options): Promise<number> => {
  if (options.build) await build()
  const folder = await mkdtemp(join(tmpdir(), 'zenhook-bench-'))
  const generator = await startChild('generator.ts')
  const sink = await startChild('sink.ts')
  const closers: Bench['closers'] = new Set()
  const stopping = new AbortController()
  const clean = async (): Promise<void> => {
    for (const close of [...closers].reverse()) await close().catch(() => undefined)
    await Promise.all([generator.close(), sink.close()])
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      stopping.abort()
      void clean().finally(() => process.exit(130))
    })
  try {
    const sinkUrl = await sink.ask<string>('listen')
    const rig = { generator, sink, sinkUrl, folder }
    const figures = await measure({
      rig,
      options,
      folder,
      note,
      closers,
      stopping: stopping.signal,
    })
    process.stdout.write(
      options.json ? `${JSON.stringify(figures, undefined, 2)}\n` : text(figures),
    )
    if (!isComplete(figures.systems)) return 1
    const short = missedTargets(figures.systems).length + figures.missing.length
    return short > 0 && options.fail ? 1 : 0
  } finally {
    if (!stopping.signal.aborted) await clean()
  }
}

const main = async (): Promise<number> => {
  try {
    const options = readOptions(process.argv.slice(2))
    if (options !== undefined) return await run(options)
    process.stdout.write(usage)
    return 0
  } catch (error) {
    note(error instanceof Error ? error.message : String(error))
    if (!(error instanceof UsageError)) return 1
    process.stderr.write(`\n${usage}`)
    return 2
  }
}

process.exitCode = await main()
