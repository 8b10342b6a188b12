import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = fileURLToPath(new URL('.', import.meta.url))

const cacheRoot = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'zenhook', 'servers')

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ENOENT'

/** Runs a tool of the system; says in one sentence what to install when it is not there. */
export const tool = async (
  command: string,
  args: readonly string[],
  options: { cwd?: string; advice: string },
): Promise<string> => {
  try {
    const { stdout } = await run(command, args, { cwd: options.cwd, maxBuffer: 16 * 1024 * 1024 })
    return stdout
  } catch (error) {
    if (isMissing(error))
      throw new Error(`${command} is not installed: ${options.advice}`, { cause: error })
    const printed = error instanceof Error && 'stdout' in error ? String(error.stdout) : ''
    throw new Error(`${command} failed\n${printed.slice(-2_000)}`, { cause: error })
  }
}

/**
 * A folder of the cache, filled once. It gets its name only when it is whole, so that a download that
 * broke off never counts, and two processes that fill it at once do no harm.
 */
const cached = async (name: string, fill: (folder: string) => Promise<void>): Promise<string> => {
  const folder = join(cacheRoot(), name)
  if (existsSync(folder)) return folder
  await mkdir(cacheRoot(), { recursive: true })
  const partial = await mkdtemp(join(cacheRoot(), `.partial-${name}-`))
  try {
    await fill(partial)
    await rename(partial, folder)
  } catch (error) {
    // Somebody else was faster.
    if (!existsSync(folder)) throw error
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

const versionIn = async (pom: string, property: string): Promise<string> => {
  const [, version] =
    new RegExp(`<${property}>([^<]+)</`).exec(await readFile(join(here, pom), 'utf8')) ?? []
  if (version === undefined) throw new Error(`${pom} does not say ${property}`)
  return version
}

const maven = async (pom: string, goal: string, folder: string): Promise<void> => {
  await tool('mvn', ['-q', '-B', '-f', join(here, pom), goal, `-DoutputDirectory=${folder}`], {
    cwd: folder,
    advice: 'install Maven and a JDK of version 17 or later',
  })
}

/** Class path of Apache Kafka and its tools. */
export const kafkaClassPath = async (): Promise<string> => {
  const version = await versionIn('kafka.pom.xml', 'kafka.version')
  const folder = await cached(`kafka-${version}`, (into) =>
    maven('kafka.pom.xml', 'dependency:copy-dependencies', into),
  )
  return join(folder, '*')
}

/** The runnable jar of the schema registry. */
export const registryJar = async (): Promise<string> => {
  const version = await versionIn('registry.pom.xml', 'apicurio.version')
  const folder = await cached(`apicurio-${version}`, async (into) => {
    await maven('registry.pom.xml', 'dependency:copy', into)
    const archives = (await readdir(into)).filter((name) => name.endsWith('.tar.gz'))
    for (const archive of archives) {
      await tool('tar', ['-xzf', archive], { cwd: into, advice: 'install tar' })
      await rm(join(into, archive))
    }
  })
  const jar = (await readdir(folder, { recursive: true })).find((name) =>
    name.endsWith('-runner.jar'),
  )
  if (jar === undefined) throw new Error(`No runner jar in ${folder}: remove it and try again`)
  return join(folder, jar)
}

/** Path of redis-server; installs Debian's where that is possible. */
export const redisServer = async (): Promise<string> => {
  const advice = 'install redis-server (Debian: apt-get install redis-server)'
  const find = (): Promise<string> =>
    tool('sh', ['-c', 'command -v redis-server'], { advice }).then((path) => path.trim())
  try {
    return await find()
  } catch (error) {
    const isRoot = process.getuid?.() === 0
    if (!isRoot || !existsSync('/usr/bin/apt-get'))
      throw new Error(`redis-server is missing: ${advice}`, { cause: error })
  }
  const install = 'DEBIAN_FRONTEND=noninteractive apt-get install -qq -y redis-server'
  await tool('sh', ['-c', `${install} || (apt-get update -qq && ${install})`], { advice })
  return find()
}
