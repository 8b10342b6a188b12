import { spawnSync } from 'node:child_process'
import { Resolver as DnsResolver } from 'node:dns/promises'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createSystemResolver, type Resolver } from './resolver.ts'
import { startFakeDns } from './testing/dns.ts'
import { hostileZone, type Outcomes, tryHostileNames } from './testing/rebinding.ts'

const expectRefused = ({ refused, reached, granted, silent }: Outcomes): void => {
  expect(refused).toEqual({
    'rebind.test': ['ok', 'private_address'],
    'metadata.test': ['ok', 'forbidden_address'],
    'mixed.test': ['mixed_addresses', 'mixed_addresses'],
    'mixed6.test': ['mixed_addresses', 'mixed_addresses'],
    'alias.test': ['private_address', 'private_address'],
    'middle.test': ['private_address', 'private_address'],
    'inner.test': ['private_address', 'private_address'],
    'alias-mixed.test': ['mixed_addresses', 'mixed_addresses'],
    'six.test': ['private_address', 'private_address'],
    'six-private.test': ['private_address', 'private_address'],
    'six-mapped.test': ['forbidden_address', 'forbidden_address'],
    'six-nat64.test': ['forbidden_address', 'forbidden_address'],
    'six-public.test': ['ok', '-'],
  })
  expect(reached).toBe(0)
  expect(granted).toBe('ok')
  expect(silent.outcome).toBe('ZENHOOK_NET_TIMEOUT')
  expect(silent.tookMs).toBeLessThan(5_000)
}

it('F81: a name server that changes its mind, mixes, points on and is silent: only checked addresses are dialled', async () => {
  const dns = await startFakeDns(hostileZone)
  const client = new DnsResolver({ timeout: 2_000, tries: 1 })
  client.setServers([`127.0.0.1:${dns.port}`])
  const resolver: Resolver = async (name) => {
    const found = await Promise.allSettled([client.resolve4(name), client.resolve6(name)])
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  }
  try {
    const outcomes = await tryHostileNames({ resolver })
    expectRefused(outcomes)
    expect(outcomes.flapping).toEqual(['ok', 'not_granted', 'ok', 'not_granted'])
    // One question per check and dial: nothing is asked again between the look and the connection.
    expect(dns.asked.filter((question) => question === 'A rebind.test')).toHaveLength(2)
  } finally {
    client.cancel()
    await dns.close()
  }
})

const folder = mkdtempSync(join(tmpdir(), 'zenhook-dns-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const inNamespace = (command: string) => {
  writeFileSync(join(folder, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:2 attempts:1\n')
  writeFileSync(join(folder, 'nsswitch.conf'), 'hosts: files dns\n')
  const script = [
    'ip link set lo up',
    `mount --bind ${folder}/resolv.conf /etc/resolv.conf`,
    `if [ -e /etc/nsswitch.conf ]; then mount --bind ${folder}/nsswitch.conf /etc/nsswitch.conf; fi`,
    command,
  ].join(' && ')
  return spawnSync('unshare', ['-mn', 'sh', '-c', script], { encoding: 'utf8', timeout: 60_000 })
}
const tried = inNamespace('true')
const noNamespace = tried.status === 0 ? undefined : (tried.error?.message ?? tried.stderr)
if (noNamespace !== undefined) console.warn(`skipped: no network namespace here: ${noNamespace}`)

it.skipIf(noNamespace !== undefined)(
  'F81: the same through the resolver of the system, in a namespace where it asks the fake server',
  { timeout: 90_000 },
  () => {
    const child = join(import.meta.dirname, 'testing', 'rebinding.child.ts')
    const { stdout, stderr, status } = inNamespace(`exec ${process.execPath} --import tsx ${child}`)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    const { outcomes, asked } = JSON.parse(stdout) as { outcomes: Outcomes; asked: string[] }
    expectRefused(outcomes)
    expect(asked.filter((question) => question === 'A rebind.test')).toHaveLength(2)
  },
)

describe('the resolver of the system', () => {
  const never = new Promise<readonly string[]>(() => undefined)

  it('F81: silent name servers never hold more than three threads, and names that answered go on at once', async () => {
    let asking = 0
    let most = 0
    const resolver = createSystemResolver(async (name) => {
      asking += 1
      most = Math.max(most, asking)
      try {
        return await (name.startsWith('silent') ? never : Promise.resolve(['192.0.2.1']))
      } finally {
        asking -= 1
      }
    })
    const silently = (name: string): void => void resolver(name).catch(() => undefined)
    const good = Array.from({ length: 50 }, (_, index) => `good${index}.test`)
    const askGood = (count: number): Promise<unknown> =>
      Promise.all(good.slice(0, count).map(resolver))
    await askGood(10)
    silently('silent0.test')
    // Names that are asked for the first time have a place beside one that is silent.
    await askGood(50)
    for (let index = 1; index < 6; index += 1) silently(`silent${index}.test`)
    // Also once those found slow are told from those that never answered.
    for (const pauseMs of [0, 1_200]) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs))
      const startedAt = performance.now()
      await askGood(50)
      expect(performance.now() - startedAt).toBeLessThan(500)
    }
    expect(most).toBe(3)
  })

  it('F81: names known to be silent wait for each other no longer than a moment, and hold up nobody', async () => {
    const resolver = createSystemResolver((name) =>
      name.startsWith('silent')
        ? new Promise((_, reject) => setTimeout(() => reject(new Error('no answer')), 1_500))
        : Promise.resolve(['192.0.2.1']),
    )
    const silent = Array.from({ length: 8 }, (_, index) => `silent${index}.test`)
    const askAll = async (): Promise<number> => {
      const startedAt = performance.now()
      await Promise.allSettled(silent.map(resolver))
      return performance.now() - startedAt
    }
    await askAll()
    const again = askAll()
    const startedAt = performance.now()
    expect(await resolver('good.test')).toEqual(['192.0.2.1'])
    expect(performance.now() - startedAt).toBeLessThan(500)
    // One after the other they would take twelve seconds.
    expect(await again).toBeLessThan(6_000)
  }, 30_000)

  it('F81: asks once for a name however many want it, and anew once it is answered', async () => {
    let asked = 0
    const resolver = createSystemResolver(async () => {
      asked += 1
      return [`192.0.2.${asked}`]
    })
    expect(await Promise.all([resolver('a.test'), resolver('a.test')])).toEqual([
      ['192.0.2.1'],
      ['192.0.2.1'],
    ])
    expect(await resolver('a.test')).toEqual(['192.0.2.2'])
  })

  it('F81: a name that is not found leaves its place to others', async () => {
    const resolver = createSystemResolver(async (name) => {
      if (name === 'none.test') throw new Error('ENOTFOUND')
      return ['192.0.2.1']
    })
    for (let times = 0; times < 5; times += 1)
      await expect(resolver('none.test')).rejects.toThrow('ENOTFOUND')
    expect(await resolver('good.test')).toEqual(['192.0.2.1'])
  })
})
