import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** Where a figure was taken. */
export interface Conditions {
  at: string
  cores: number
  model: string
  memoryGiB: number
  kernel: string
  node: string
  /** One minute, before anything was started. */
  load: number
  /** Of the engines and of the libraries that carry an event. */
  versions: Readonly<Record<string, string>>
}

const carriers = ['hono', 'kafkajs', 'undici', 'lmdb', 'ioredis', 'chdb', 'clickhouse']

const versions = (): Record<string, string> => {
  const [, kafka = 'unknown'] =
    /<kafka\.version>([^<]+)</.exec(read(join(root, 'scripts/servers/kafka.pom.xml'))) ?? []
  const lock = JSON.parse(read(join(root, 'package-lock.json')))
  const installed = carriers.map((name): [string, string] => [
    name,
    String(lock.packages[`node_modules/${name}`]?.version),
  ])
  return { 'Apache Kafka': kafka, ...Object.fromEntries(installed) }
}

export const conditions = (): Conditions => ({
  at: new Date().toISOString(),
  cores: cpus().length,
  model: cpus()[0]?.model ?? 'unknown',
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
  load: Number((loadavg()[0] ?? 0).toFixed(2)),
  versions: versions(),
})

// The kernel's clock ticks per second in /proc: 100 on every Linux that Node runs on.
const tickMs = 10

const ticksOf = (stat: string): number => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}

/** CPU time that these processes used so far, ms; 0 for one that is gone. */
export const cpuMs = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (ticksOf(read(`/proc/${pid}/stat`)) || 0) * tickMs, 0)

/** The highest resident size of these processes so far, MiB. */
export const peakMiB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    const [, kib = '0'] = /VmHWM:\s+(\d+)/.exec(read(`/proc/${pid}/status`)) ?? []
    return sum + Number(kib) / 1024
  }, 0)

/** CPU time that the whole machine used so far, ms of one core. */
export const machineCpuMs = (): number => {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    read('/proc/stat').split('\n')[0] ?? ''
  )
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + softirq) * tickMs
}

/** CPU time by name of thread, ms. */
export const threadCpuMs = (pid: number): ReadonlyMap<string, number> => {
  const byName = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = read(`/proc/${pid}/task/${thread}/stat`)
    const comm = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'))
    const name = thread === String(pid) ? 'main' : comm.replace(/[-_]?\d+$/, '')
    byName.set(name, (byName.get(name) ?? 0) + ticksOf(stat) * tickMs)
  }
  return byName
}

/** Bytes that a folder takes on the disk. */
export const diskBytes = async (folder: string): Promise<number> => {
  let total = 0
  if (!existsSync(folder)) return total
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    try {
      total += (await lstat(join(entry.parentPath, entry.name))).blocks * 512
    } catch {
      // Gone meanwhile: engines merge and remove files.
    }
  }
  return total
}
