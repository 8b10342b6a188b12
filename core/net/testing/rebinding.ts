import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isZenhookError } from '../../errors/index.ts'
import { createEgress, type EgressOptions } from '../index.ts'
import type { Zone } from './dns.ts'

const publicAddress = '93.184.216.34'

/** Names of an attacker, and of honest people with odd names. */
export const hostileZone: Zone = {
  // Public when it is checked, ourselves when it is dialled.
  'rebind.test': (asked) => (asked === 0 ? [publicAddress] : ['127.0.0.1']),
  'metadata.test': (asked) => (asked === 0 ? [publicAddress] : ['169.254.169.254']),
  'mixed.test': [publicAddress, '127.0.0.1'],
  'mixed6.test': [publicAddress, '::1'],
  'alias.test': { cname: 'middle.test' },
  'middle.test': { cname: 'inner.test' },
  'inner.test': ['127.0.0.1'],
  'alias-mixed.test': { cname: 'mixed.test' },
  'six.test': ['::1'],
  'six-private.test': ['fd00::1'],
  'six-mapped.test': ['::ffff:7f00:1'],
  'six-nat64.test': ['64:ff9b::7f00:1'],
  'six-public.test': ['2606:4700:4700::1111'],
  'good.test': ['127.0.0.1'],
  'flapping.test': (asked) => (asked % 2 === 0 ? ['127.0.0.1'] : ['10.0.0.1']),
  'silent.test': 'silence',
}

export interface Outcomes {
  /** By name: the reason of the refusal, or a code, at registration and at dial. */
  refused: Readonly<Record<string, readonly [check: string, dial: string]>>
  /** Requests that arrived although their names were refused. */
  reached: number
  granted: string
  flapping: readonly string[]
  silent: { outcome: string; tookMs: number }
}

const outcomeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'ok',
    (error: unknown) => {
      if (!isZenhookError(error)) throw error
      return typeof error.details.reason === 'string' ? error.details.reason : error.code
    },
  )

/** Tries every name of the zone: what comes of it, and who is reached. */
export const tryHostileNames = async (
  options: Pick<EgressOptions, 'resolver'>,
): Promise<Outcomes> => {
  let arrived = 0
  const server = createServer((_request, response) => {
    arrived += 1
    response.writeHead(200, { connection: 'close' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const egress = createEgress({ grants: ['127.0.0.0/8'], ...options })
  const url = (name: string): string => `http://${name}:${port}/`
  try {
    const refused: Record<string, readonly [string, string]> = {}
    const names = Object.keys(hostileZone).filter(
      (name) => !['good.test', 'flapping.test', 'silent.test', 'six-public.test'].includes(name),
    )
    for (const name of names) {
      const check = await outcomeOf(egress.check(url(name)))
      const dial = await outcomeOf(egress.request(url(name), { timeoutMs: 3_000 }))
      refused[name] = [check, dial]
    }
    refused['six-public.test'] = [await outcomeOf(egress.check(url('six-public.test'))), '-']
    const reached = arrived
    const granted = { timeoutMs: 5_000, allowPrivate: true }
    const good = await outcomeOf(egress.request(url('good.test'), granted))
    const flapping: string[] = []
    for (let times = 0; times < 4; times += 1)
      flapping.push(await outcomeOf(egress.request(url('flapping.test'), granted)))
    const startedAt = performance.now()
    const silent = await outcomeOf(egress.request(url('silent.test'), { timeoutMs: 700 }))
    return {
      ...{ refused, reached, granted: good, flapping },
      silent: { outcome: silent, tookMs: performance.now() - startedAt },
    }
  } finally {
    await egress.close()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}
