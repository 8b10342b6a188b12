import { describe, expect, it } from 'vitest'
import { guarded } from './guard.ts'
import { tablesReference } from './reference.ts'
import { columns, tableNames } from './tables.ts'

describe('reference of the tables', () => {
  it('tells every column and only statements that pass', async () => {
    const text = await tablesReference()
    for (const table of tableNames)
      for (const column of columns[table]) expect(text).toContain(`| \`${column}\` | `)
    const examples = [...text.matchAll(/```sql\n(SELECT[\s\S]+?)```/g)]
    expect(examples).toHaveLength(2)
    for (const [, sql = ''] of examples) guarded(sql)
  })
})
