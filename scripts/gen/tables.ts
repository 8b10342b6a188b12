import { tableNames, tableSql } from '../../core/decisions/tables.ts'
import { heading } from './page.ts'

/** The tables as they are created: columns with their comments. */
export const tablesPage = async (): Promise<string> => {
  const sections: string[] = []
  for (const name of tableNames) {
    sections.push(`## ${name}\n\n\`\`\`sql\n${(await tableSql(name)).trim()}\n\`\`\`\n`)
  }
  return [
    heading('Decision tables', 'The tables of ClickHouse, the same on both engines.'),
    ...sections,
  ].join('\n')
}
