import { expect, it } from 'vitest'
import { startFakeJira } from '../../test/fakes/jira.ts'
import {
  createRig,
  destinationOf,
  dispatchOf,
  eventOf,
  mapKv,
  until,
} from '../../test/fakes/rig.ts'

const about = (fingerprint: string) =>
  dispatchOf('hooks', {
    event: eventOf({ facts: { title: 'Disk full', severity: 'high', fingerprint } }),
  })

it('events of a problem whose answer was lost hold up none of another problem', async () => {
  const fake = await startFakeJira()
  const destination = destinationOf({
    connector: 'jira',
    config: { baseUrl: fake.url, project: 'OPS' },
    secrets: { email: ['email'], token: ['token'] },
    rateLimit: { perSecond: 1_000, burst: 1_000, concurrent: 4 },
  })
  const rig = await createRig([destination], mapKv(), { email: fake.email, token: fake.token })
  try {
    fake.indexed = false
    fake.lost.push(502)
    await rig.start()
    const same = Array.from({ length: 5 }, () => about('disk-1'))
    await rig.send(same.slice(0, 1))
    await until(() => fake.issues.size === 1, 'the issue whose answer is lost')
    const other = about('disk-2')
    await rig.send([...same.slice(1), other])
    await until(() => fake.issues.size === 2, 'the issue of the other problem', 2_000)
    const isOther = async () =>
      (await rig.decisions()).some(
        ({ verdict, details }) => verdict === 'delivered' && details.externalId === 'OPS-2',
      )
    await until(isOther, 'its delivery')
    expect(fake.made).toBe(2)
  } finally {
    await rig.close()
    await fake.close()
  }
})
