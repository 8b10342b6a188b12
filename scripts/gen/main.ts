import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { packageRoot } from '../../cli/version.ts'
import { tablesReference } from '../../core/decisions/reference.ts'
import { commandsPage } from './commands.ts'
import { componentsPage } from './components.ts'
import { environmentPage } from './environment.ts'
import { errorsPage, problemPages } from './errors.ts'
import { metricsPage } from './metrics.ts'
import { providerPages, providersPage } from './providers.ts'
import { configSchema, openApi } from './schemas.ts'

/** Everything that is made from the sources: by path below the package. */
const files = async (): Promise<ReadonlyMap<string, string>> =>
  new Map([
    ['schemas/generated/config.schema.json', configSchema()],
    ['schemas/generated/openapi.json', openApi()],
    ['docs/reference/errors.md', errorsPage()],
    ...problemPages(),
    ['docs/reference/providers.md', providersPage()],
    ...providerPages(),
    ['docs/reference/components.md', componentsPage()],
    ['docs/reference/metrics.md', metricsPage()],
    ['docs/reference/environment.md', environmentPage()],
    ['docs/reference/commands.md', commandsPage()],
    ['docs/reference/tables.md', await tablesReference()],
  ])

const present = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}

const main = async (check: boolean): Promise<number> => {
  const stale: string[] = []
  for (const [name, text] of await files()) {
    const path = join(packageRoot(), name)
    if ((await present(path)) === text) continue
    stale.push(name)
    if (check) continue
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  for (const name of stale) process.stdout.write(`${check ? 'out of date' : 'written'}: ${name}\n`)
  if (check && stale.length > 0) process.stdout.write('run npm run gen and commit what it writes\n')
  return check && stale.length > 0 ? 1 : 0
}

process.exitCode = await main(process.argv.includes('--check'))
