import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Dispatch } from '../core/event/index.ts'
import { createEgress, type Egress } from '../core/net/index.ts'
import type { Destination } from '../core/registry/types.ts'
import type { Receiver } from '../test/fakes/receiver.ts'
import { contextOf, destinationOf, dispatchOf, mapKv, until } from '../test/fakes/rig.ts'
import type { AttemptResult, ConnectorKind } from './types.ts'

/** A connector over HTTP and a fake of its provider. */
export interface Harness<R extends Receiver> {
  kind: ConnectorKind
  start(): Promise<R>
  destination(receiver: R): Partial<Destination>
  /** Values by role. */
  secrets(receiver: R): Readonly<Record<string, readonly string[]>>
  /** Wrong credentials; absent where the protocol has none to be refused. */
  wrongSecrets?: Readonly<Record<string, readonly string[]>>
  /** Effects at the provider, whatever it calls them. */
  effects(receiver: R): number
  /** A text of a 2xx answer says nothing in the protocol, where a status alone is its success. */
  statusIsSuccess?: boolean
  /** The provider tells attempts of one dispatch by a key: what it is in an arrival. */
  idempotencyKey?(receiver: R): readonly (string | undefined)[]
}

/** What every connector over HTTP promises, whoever it speaks to. */
export const connectorContract = <R extends Receiver>(name: string, harness: Harness<R>): void => {
  describe(`the contract of connectors: ${name}`, () => {
    let receiver: R
    let egress: Egress
    beforeAll(async () => {
      receiver = await harness.start()
      egress = createEgress({ grants: ['127.0.0.1'] })
    })
    afterEach(() => {
      receiver.arrivals.length = 0
      receiver.faults.length = 0
      receiver.fault = undefined
    })
    afterAll(async () => {
      await egress.close()
      await receiver.close()
    })

    const connector = (
      secrets = harness.secrets(receiver),
      fields: Partial<Destination> = {},
      kv = mapKv(),
    ) => {
      const destination = destinationOf({ ...harness.destination(receiver), ...fields })
      const context = { ...contextOf(destination, egress, kv, secrets), timeoutMs: 500 }
      return harness.kind.create(context)
    }
    const attempt = (
      made = connector(),
      dispatch: Dispatch = dispatchOf('hooks'),
      number = 1,
      signal = new AbortController().signal,
    ): Promise<AttemptResult> => made.deliver({ dispatch, number }, signal)
    if (harness.wrongSecrets === undefined) {
      console.info(`skipped for ${name}: it has no credentials that the receiver refuses`)
    }
    if (harness.statusIsSuccess) {
      console.info(`skipped for ${name}: a status alone is its success, no answer is malformed`)
    }
    const declared = (result: AttemptResult): void => {
      const reason = result.kind === 'failed' ? result.reason : 'delivered'
      expect(Object.keys(harness.kind.spec.reasons)).toContain(reason)
    }

    it('delivers once, and says what came of it', async () => {
      const before = harness.effects(receiver)
      const result = await attempt()
      expect(result).toMatchObject({ kind: 'delivered' })
      expect(harness.effects(receiver)).toBe(before + 1)
      declared(result)
    })

    it.skipIf(harness.wrongSecrets === undefined)(
      'is refused for good with wrong credentials, and shows none of them',
      async () => {
        const before = harness.effects(receiver)
        const result = await attempt(connector(harness.wrongSecrets))
        expect(result).toMatchObject({ kind: 'failed', retriable: false })
        for (const value of Object.values(harness.wrongSecrets ?? {}).flat()) {
          expect(JSON.stringify(result)).not.toContain(value)
        }
        expect(harness.effects(receiver)).toBe(before)
        declared(result)
      },
    )

    it('waits as long as a throttling receiver asks for', async () => {
      receiver.fault = { status: 429, headers: { 'retry-after': '30' } }
      const result = await attempt()
      expect(result).toMatchObject({ kind: 'failed', retriable: true, retryAfterMs: 30_000 })
      declared(result)
    })

    it.each([500, 502, 503, 504])('tries again after %i', async (status) => {
      receiver.fault = { status, body: '<html>trouble</html>' }
      const result = await attempt()
      expect(result).toMatchObject({ kind: 'failed', status, retriable: true })
      declared(result)
    })

    it('follows no redirect and hands no credential on', async () => {
      receiver.fault = { status: 307, headers: { location: `${receiver.url}/elsewhere` } }
      const result = await attempt()
      expect(result).toMatchObject({ kind: 'failed', status: 307 })
      expect(receiver.arrivals.map(({ url }) => url)).not.toContain('/elsewhere')
      declared(result)
    })

    it.each([
      ['hangs', { hang: true }],
      ['drips', { drip: true }],
    ])('ends at its deadline when the receiver %s', async (_name, fault) => {
      receiver.fault = fault
      const startedAt = Date.now()
      const result = await attempt()
      expect(result).toMatchObject({ reason: 'timeout', retriable: true, possibleDuplicate: true })
      expect(Date.now() - startedAt).toBeLessThan(2_000)
      declared(result)
    })

    it('says that a broken connection may have had its effect', async () => {
      receiver.fault = { reset: 'before' }
      const result = await attempt()
      expect(result).toMatchObject({
        reason: 'connection_failed',
        retriable: true,
        possibleDuplicate: true,
      })
      declared(result)
    })

    it.skipIf(harness.statusIsSuccess === true)(
      'takes no 2xx for a success that is not in the protocol',
      async () => {
        receiver.fault = { malformed: true }
        const result = await attempt()
        expect(result).toMatchObject({ kind: 'failed', reason: 'malformed_answer' })
        declared(result)
      },
    )

    it('ends promptly when it is cancelled, as no failure', async () => {
      receiver.fault = { hang: true }
      const controller = new AbortController()
      setTimeout(() => controller.abort(), 50)
      const result = await attempt(connector(), dispatchOf('hooks'), 1, controller.signal)
      expect(result).toMatchObject({ kind: 'failed', cancelled: true })
      declared(result)
    })

    it('has at most one effect more when an answer was lost, under one key where there is one', async () => {
      const made = connector()
      const dispatch = dispatchOf('hooks')
      const before = harness.effects(receiver)
      const first = await attempt(made, dispatch)
      const second = await attempt(made, dispatch, 2)
      expect([first.kind, second.kind]).toEqual(['delivered', 'delivered'])
      expect(harness.effects(receiver) - before).toBeLessThanOrEqual(2)
      const keys = harness.idempotencyKey?.(receiver) ?? []
      for (const key of keys) expect(key).toBe(dispatch.id)
    })

    it('waits for no connection of another destination', async () => {
      const narrow = createEgress({ grants: ['127.0.0.1'], connectionsPerOrigin: 1 })
      const from = (name: string): Promise<AttemptResult> => {
        const destination = destinationOf({ ...harness.destination(receiver), name })
        const context = contextOf(destination, narrow, mapKv(), harness.secrets(receiver))
        return attempt(harness.kind.create(context))
      }
      receiver.faults.push({ hang: true })
      const slow = from('slow')
      await until(() => receiver.arrivals.length === 1)
      expect(await Promise.race([slow, from('fast')])).toMatchObject({ kind: 'delivered' })
      await narrow.close()
      await slow
    })

    it('goes to no private address without the wish of the destination', async () => {
      const result = await attempt(connector(undefined, { allowPrivate: false }))
      expect(result).toMatchObject({ reason: 'address_denied', retriable: false })
      expect(receiver.arrivals).toEqual([])
      declared(result)
    })

    it('refuses unknown keys of its configuration', () => {
      const { config } = harness.destination(receiver)
      const odd = { config: { ...config, tpyo: true } }
      expect(() => connector(undefined, odd)).toThrow(
        expect.objectContaining({ code: 'ZENHOOK_CONNECTOR_CONFIG_INVALID' }),
      )
    })
  })
}
