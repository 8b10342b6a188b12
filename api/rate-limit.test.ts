import { expect, it } from 'vitest'
import { apiOf } from './testing.ts'

const fields = (response: Response) => [
  response.status,
  response.headers.get('ratelimit-policy'),
  response.headers.get('ratelimit'),
]

// A busy machine takes its time.
const left = (remaining: number): unknown =>
  expect.stringMatching(new RegExp(`^"token";r=${remaining};t=3[56]\\d{3}$`))

it('tells on every answer what is left, and when to come again', async () => {
  const { send } = apiOf({ limit: { requests: 2, windowSeconds: 36_000 } })
  const policy = '"token";q=2;w=36000'
  const first = await send('GET', '/v1/topology')
  expect(fields(first)).toEqual([200, policy, left(1)])
  // A stranger takes nothing of it, and is told nothing of it.
  const stranger = await send('GET', '/v1/topology', { token: 'wrong' })
  expect(fields(stranger)).toEqual([401, null, null])
  // What went wrong counts, too.
  expect(fields(await send('GET', '/v1/nothing'))).toEqual([404, policy, left(0)])
  const refused = await send('GET', '/v1/topology')
  expect(fields(refused)).toEqual([429, policy, left(0)])
  expect(refused.headers.get('retry-after')).toMatch(/^3[56]\d{3}$/)
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(await refused.json()).toMatchObject({ code: 'ZENHOOK_API_RATE_LIMITED', status: 429 })
  // Health is for those who look after it, and is never refused.
  expect((await send('GET', '/healthz')).status).toBe(200)
})
