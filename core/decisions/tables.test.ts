import { describe, expect, it } from 'vitest'
import { compactRows } from './tables.ts'

const rows = Array.from({ length: 2_400 }, (_, n) => [`tenant ${n % 3}`, n, null, `line\n${n} "é"`])

describe('rows for an insert', () => {
  it('are one JSON array a line, whatever their number', async () => {
    for (const count of [0, 1, 499, 500, 501, 2_400]) {
      const lines = (await compactRows(rows.slice(0, count))).toString('utf8').split('\n')
      expect(lines.pop()).toBe('')
      expect(lines.map((line) => JSON.parse(line))).toEqual(rows.slice(0, count))
    }
  })

  it('let others have their turn while they are made', async () => {
    let turns = 0
    let open = true
    const count = (): void => {
      turns += 1
      if (open) setImmediate(count)
    }
    setImmediate(count)
    await compactRows(rows)
    open = false
    expect(turns).toBeGreaterThanOrEqual(4)
  })
})
