import { describe, expect, it } from 'vitest'
import { createCodec } from '../event/codec/codec.ts'
import { createFileSchemas } from '../event/codec/files/index.ts'
import type { Log, StoredRecord } from '../log/port.ts'
import { routeObject, sourceObject } from './contract.ts'
import { registryTopic } from './fold.ts'
import type { AnyObject } from './port.ts'
import { createRegistryWriter, type PresentState } from './writer.ts'

const codec = await createCodec({ schemas: await createFileSchemas() })

/** A log that several processes use: their writers do not wait for each other. */
const sharedLog = () => {
  let records: readonly StoredRecord[] = []
  let next = 0
  const compact = (): void => {
    records = records.filter(
      ({ key, offset }) => !records.some((each) => each.key === key && each.offset > offset),
    )
  }
  const open = (beforeAppend: () => Promise<unknown> = async () => undefined): Log => {
    const used: Pick<Log, 'append' | 'ends' | 'read'> = {
      async append(added) {
        await beforeAppend()
        return added.map(({ key, value }) => {
          const position = { topic: registryTopic, partition: 0, offset: next }
          records = [...records, { ...position, key, value, headers: {}, timestamp: 0 }]
          next += 1
          return position
        })
      },
      ends: async () => [{ topic: registryTopic, partition: 0, first: 0, next }],
      async *read({ offset }, to) {
        yield* records.filter((each) => each.offset >= offset && each.offset < (to ?? next))
      },
    }
    return used as Log
  }
  return { open, compact }
}

/** Two writers: before each of its first appends the second one is forestalled by the first. */
const meeting = (wins: readonly AnyObject[]) => {
  const { open, compact } = sharedLog()
  const winner = createRegistryWriter({ log: open(), codec })
  const left = [...wins]
  const loser = createRegistryWriter({
    log: open(async () => {
      const next = left.shift()
      if (next !== undefined) await winner.publish({ put: [next] })
    }),
    codec,
  })
  return { open, compact, winner, loser }
}

const namesOf = ({ objects }: PresentState): readonly string[] =>
  objects.map(({ spec }) => spec.name).sort()

describe('a change that depends on what is there', () => {
  it('is made again where another publication came first', async () => {
    const { loser, winner } = meeting([
      routeObject('a', { index: 0 }),
      routeObject('b', { index: 1 }),
    ])
    const seen: (readonly string[])[] = []
    await loser.publish((present) => {
      seen.push(namesOf(present))
      return { put: [routeObject('late', { index: present.objects.length })] }
    })
    expect(seen).toEqual([[], ['a'], ['a', 'b']])
    const { objects } = await winner.present()
    const places = objects.map(({ kind, spec }) => [spec.name, kind === 'route' && spec.index])
    expect(Object.fromEntries(places)).toEqual({ a: 0, b: 1, late: 2 })
  })

  it('publishes nothing where it refuses what is there', async () => {
    const { loser, winner, open, compact } = meeting([sourceObject('a')])
    const change = ({ objects }: PresentState) => {
      if (objects.length > 0) throw new Error('refused')
      return { put: [sourceObject('late')] }
    }
    await expect(loser.publish(change)).rejects.toThrow('refused')
    // Nothing of the lost try stays in the way of the one that won.
    compact()
    for (const writer of [winner, loser, createRegistryWriter({ log: open(), codec })]) {
      expect(namesOf(await writer.present())).toEqual(['a'])
    }
    await winner.publish({ put: [sourceObject('b')] })
    expect(namesOf(await loser.present())).toEqual(['a', 'b'])
    await expect(loser.publish(change)).rejects.toThrow('refused')
  })
})
