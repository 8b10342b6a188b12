import { expect, it } from 'vitest'
import { apiOf } from './testing.ts'

it.each([
  { ok: true, answer: [200, 'ok\n', null] },
  { ok: false, answer: [503, 'not ready\n', '5'] },
])('/readyz says when to come again: $answer', async ({ ok, answer }) => {
  const { send } = apiOf({ checks: [{ name: 'log', ok, detail: '' }] })
  const response = await send('GET', '/readyz')
  expect([response.status, await response.text(), response.headers.get('retry-after')]).toEqual(
    answer,
  )
})
