import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { expect } from 'vitest'
import { withAdmin } from '../lag.ts'
import { prepare } from '../load.ts'
import { answersAll, type Row } from '../row.ts'

const minute = 60_000

const offsetsLost: Row = {
  ids: ['F25'],
  title: 'the offsets of every group are lost: all is read again',
  limitMs: { ci: 6 * minute, full: 10 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const sending = load()
    await sleep(pick(5_000, 30_000))
    const lines = await sending.stop()
    await holds('before the groups are deleted', lines)
    const before = rig.sink.deliveries().length
    await rig.running().stop(20_000)
    await withAdmin(rig, async (admin) => {
      const { groups } = await admin.listGroups()
      const own = groups.map(({ groupId }) => groupId).filter((id) => id.startsWith('zenhook.'))
      await admin.deleteGroups(own)
      expect(own).toContain('zenhook.chain')
    })
    await rig.start()
    const after = load()
    await sleep(pick(5_000, 30_000))
    const found = await holds(
      'groups deleted, and a new start',
      [...lines, ...(await after.stop())],
      {
        faultMs: 60_000,
      },
    )
    answersAll(after)
    // What was delivered once and is remembered is not delivered again.
    expect(found.duplicates).toBe(0)
    expect(rig.sink.deliveries().length).toBeGreaterThan(before)
  },
}

const flushed: Row = {
  ids: ['F26'],
  title: 'the state store is emptied amid the run',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { publicUrl } = rig.running()
    const sending = load()
    const requests = Array.from({ length: pick(100, 1_000) }, () => prepare(rig.targets.github))
    const first = []
    for (const request of requests) first.push(await request.send(publicUrl))
    const client = new Redis(rig.redis.url)
    await client.flushall()
    const flushedAt = performance.now()
    // Another process: this one remembers what it has seen.
    const other = await rig.another({ roles: 'ingress' })
    const again = []
    for (const request of requests) again.push(await request.send(other.publicUrl))
    client.disconnect()
    const lines = await sending.stop()
    await holds(
      `FLUSHALL, then ${requests.length} retries of what was delivered`,
      [...lines, ...first, ...again],
      // Order and duplicate protection of what was under way go with the state store.
      { except: ['unflagged', 'disordered'] },
    )
    answersAll(sending)
    // One webhook-id per event is in `identities`. A receiver without it acts at most once more, and only on
    // what was sent again, or had not ended when the store was emptied.
    const later = new Set(lines.filter(({ sentAt }) => sentAt >= flushedAt).map(({ mark }) => mark))
    const own = new Set([...requests, ...lines].map(({ mark }) => mark))
    const times = new Map<string, number>()
    for (const { mark, id } of rig.sink.deliveries().filter(({ mark }) => own.has(mark))) {
      const key = `${mark} ${id}`
      times.set(key, (times.get(key) ?? 0) + 1)
      expect(times.get(key), key).toBeLessThanOrEqual(later.has(mark) ? 1 : 2)
    }
  },
}

const writesLost: Row = {
  ids: ['F34'],
  title: 'Redis comes back without what it had acknowledged',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    const { github, beta } = rig.targets
    const sending = load({ targets: [github, beta] })
    await sleep(pick(3_000, 20_000))
    await rig.redis.kill()
    await rm(join(rig.folder, 'redis', 'appendonlydir'), { recursive: true, force: true })
    await rig.redis.start()
    await sleep(pick(3_000, 20_000))
    const lines = await sending.stop()
    await holds('Redis killed and its journal gone, two tenants', lines, { except: ['unflagged'] })
    answersAll(sending)
    const tenants = new Map(lines.map(({ mark, tenant }) => [mark, tenant]))
    const path = { acme: '/sink', beta: '/beta' } as const
    const strayed = rig.sink.deliveries().filter((delivery) => {
      const tenant = tenants.get(delivery.mark)
      return (tenant === 'acme' || tenant === 'beta') && delivery.path !== path[tenant]
    })
    expect(strayed).toEqual([])
  },
}

export const stateRows: readonly Row[] = [offsetsLost, flushed, writesLost]
