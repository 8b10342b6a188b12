import { execFile } from 'node:child_process'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { withAdmin } from '../lag.ts'
import { type Line, prepare } from '../load.ts'
import { answersAll, type Row } from '../row.ts'
import { rows } from '../tables.ts'
import { eventually } from './ready.ts'

const run = promisify(execFile)
const minute = 60_000

const spoolFull: Row = {
  ids: ['F08'],
  title: 'the disk of the spool is full while the log is away',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, holds }) {
    const dataDir = join(rig.folder, `small-${Date.now()}`)
    const spool = join(dataDir, 'spool')
    await mkdir(spool, { recursive: true })
    await run('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'tmpfs', spool]).catch(
      (error: unknown) => {
        throw new Error('a file system cannot be mounted here: the row wants the right to', {
          cause: error,
        })
      },
    )
    try {
      const { publicUrl } = await rig.another({ roles: 'ingress', dataDir })
      await Promise.all([rig.kafka.killBroker(2), rig.kafka.killBroker(3)])
      const lines: Line[] = []
      const count = pick(1_500, 4_000)
      let next = 0
      const sender = async (): Promise<void> => {
        for (; next < count; next += 1) {
          const more = { pad: 'x'.repeat(60_000) }
          lines.push(await prepare(rig.targets.github, { more }).send(publicUrl))
        }
      }
      await Promise.all(Array.from({ length: 8 }, sender))
      const statuses = new Set(lines.map(({ status }) => status))
      await Promise.all([rig.kafka.restartBroker(2), rig.kafka.restartBroker(3)])
      // Space comes back as it drains, and then everything is taken again.
      await eventually(
        'events are taken again',
        async () => {
          const line = await prepare(rig.targets.github).send(publicUrl)
          lines.push(line)
          return line.status === 202
        },
        minute,
      )
      await holds('64 MB of spool, bodies of 60 KB until it is full', lines, { faultMs: minute })
      expect([...statuses].sort()).toEqual([202, 503])
    } finally {
      await rig.endOthers()
      await run('umount', [spool])
      await rm(dataDir, { recursive: true, force: true })
    }
  },
}

const rollingIngress: Row = {
  ids: ['F15'],
  title: 'ingress processes are replaced under load, one after the other',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, share, load, holds }) {
    let current = await rig.another({ roles: 'ingress' })
    let url = current.publicUrl
    const sending = load({ publicUrl: () => url, perSecond: share(50, 150) })
    const times = pick(2, 5)
    for (let time = 0; time < times; time++) {
      const next = await rig.another({ roles: 'ingress' })
      await sleep(1_000)
      // A balancer sends to the next from here on; what is under way is the old one's to answer.
      url = next.publicUrl
      expect(await current.stop(20_000)).toBe(0)
      current = next
    }
    await sleep(1_000)
    const lines = await sending.stop()
    const found = await holds(`SIGTERM of the ingress, ${times} times`, lines)
    answersAll(sending)
    expect(found.statuses[0]).toBeUndefined()
  },
}

const longHandler: Row = {
  ids: ['F19'],
  title: 'deliveries take longer than a session of their group',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const members = (): Promise<string[]> =>
      withAdmin(rig, async (admin) => {
        const { groups } = await admin.describeGroups(['zenhook.connectors', 'zenhook.chain'])
        return groups.flatMap((group) => group.members.map(({ memberId }) => memberId)).sort()
      })
    const before = await members()
    // The session is 10 s, an attempt may take 15.
    rig.sink.fault = { delayMs: 13_000 }
    const sending = load({ perSecond: 5 })
    await sleep(pick(16_000, minute))
    const during = await members()
    rig.sink.fault = undefined
    const lines = await sending.stop()
    const found = await holds('every answer takes 13 s', lines, { faultMs: minute, least: 50 })
    answersAll(sending)
    expect(before.length).toBeGreaterThan(0)
    // Nobody left and came again.
    expect(during).toEqual(before)
    expect(found.duplicates).toBe(0)
  },
}

const lateInsert: Row = {
  ids: ['F36'],
  title: 'ClickHouse stores what its client has given up',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, load, holds }) {
    const sending = load()
    await sleep(2_000)
    // Longer than the 30 s of an insert: it is done when the server wakes up, and made again by then.
    rig.clickhouse.stall()
    await sleep(38_000)
    rig.clickhouse.resume()
    await sleep(2_000)
    const lines = await sending.stop()
    await holds('ClickHouse stopped for 38 s with inserts under way', lines, { faultMs: 40_000 })
    answersAll(sending)
    const [row] = await rows<{ n: string; ids: string }>(
      rig,
      'SELECT toString(count()) AS n, toString(uniqExact(received_at, event_id, decision_id)) AS ids FROM decisions FINAL',
    )
    expect(row?.n).toBe(row?.ids)
  },
}

const everythingRestarts: Row = {
  ids: ['F92'],
  title: 'everything is killed amid load and started in any order',
  limitMs: { ci: 6 * minute, full: 12 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { kafka, redis, registry, clickhouse } = rig
    const startBrokers = async (): Promise<void> => {
      await Promise.all(kafka.state.nodes.map(({ id }) => kafka.restartBroker(id)))
    }
    const parts = [
      startBrokers,
      () => redis.start(),
      () => registry.start(),
      () => clickhouse.start(),
      async () => void (await rig.startAmidFault()),
    ]
    const orders = pick(
      [[4, 1, 3, 2, 0]],
      [
        [4, 1, 3, 2, 0],
        [0, 1, 2, 3, 4],
        [2, 4, 0, 3, 1],
      ],
    )
    const all: Line[] = []
    let slowest = 0
    for (const order of orders) {
      const sending = load()
      await sleep(3_000)
      await Promise.all([
        ...kafka.state.nodes.map(({ id }) => kafka.killBroker(id)),
        redis.kill(),
        registry.kill(),
        clickhouse.kill(),
        rig.running().kill(),
      ])
      const startedAt = performance.now()
      for (const index of order) await parts[index]?.()
      await eventually('the instance is whole', () => rig.isReady(), 2 * minute)
      slowest = Math.max(slowest, performance.now() - startedAt)
      await sleep(2_000)
      all.push(...(await sending.stop()))
    }
    await holds(`all parts killed at once, started in ${orders.length} orders`, all, {
      faultMs: minute,
      notes: { 'up after ms': Math.round(slowest) },
    })
    expect(slowest).toBeLessThan(minute)
  },
}

const opened = async (url: string, count: number): Promise<Socket[]> => {
  const { port } = new URL(url)
  return Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Socket>((resolve) => {
          const socket = connect({ host: '127.0.0.1', port: Number(port) })
          const done = (): void => resolve(socket)
          socket.once('connect', done).once('error', done)
        }),
    ),
  )
}

const fewResources: Row = {
  ids: ['F94'],
  title: 'few descriptors and little memory',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, share, load, holds }) {
    const one = await rig.another({
      roles: 'ingress',
      env: { NODE_OPTIONS: '--max-old-space-size=192' },
    })
    await run('prlimit', ['--pid', String(one.pid), '--nofile=256:256'])
    const { publicUrl } = one
    const sending = load({ publicUrl: () => publicUrl, perSecond: share(50, 100) })
    await sleep(2_000)
    const idle = await opened(publicUrl, 400)
    await sleep(pick(4_000, 30_000))
    const descriptors = (await readdir(`/proc/${one.pid}/fd`)).length
    for (const socket of idle) socket.destroy()
    await sleep(2_000)
    const during = await sending.stop()
    expect(descriptors).toBeLessThanOrEqual(256)
    // It is alive, and takes everything again.
    const after = load({ publicUrl: () => publicUrl, perSecond: share(50, 100) })
    await sleep(pick(4_000, 20_000))
    const lines = await after.stop()
    answersAll(after)
    const statuses = [...new Set(during.map(({ status }) => status))]
    expect(statuses.filter((status) => ![0, 202, 401, 503].includes(status))).toEqual([])
    await holds(
      '256 descriptors against 400 idle connections, 192 MiB of heap',
      [...during, ...lines],
      {
        notes: { descriptors },
      },
    )
  },
}

export const lifecycleRows: readonly Row[] = [
  rollingIngress,
  longHandler,
  lateInsert,
  fewResources,
  spoolFull,
  everythingRestarts,
]
