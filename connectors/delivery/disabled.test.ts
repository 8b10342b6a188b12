import { describe, expect, it } from 'vitest'
import { destinationOf, hash, mapKv } from '../../test/fakes/rig.ts'
import { createDisabled } from './disabled.ts'

describe('a destination that its receiver disabled', () => {
  it('is enabled by another address, also where that is a secret', async () => {
    const disabled = createDisabled(mapKv(), hash, Date.now)
    const of = (more: object) => destinationOf({ connector: 'slack', config: {}, ...more })
    const before = of({ secrets: { url: 'env:OLD' } })
    await disabled.disable(before, 'no_service')
    expect(await disabled.isDisabled(before)).toBe(true)
    expect(await disabled.isDisabled(of({ secrets: { url: 'env:OLD' } }))).toBe(true)
    expect(await disabled.isDisabled(of({ secrets: { url: 'env:NEW' } }))).toBe(false)
    expect(await disabled.isDisabled(of({ secrets: { url: 'env:OLD' }, config: { a: 1 } }))).toBe(
      false,
    )
  })
})
