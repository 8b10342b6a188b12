import { version } from '../../cli/version.ts'
import { packageSchemasFolder } from '../../core/event/codec/package.ts'
import { addIds, faultsOf, freeze } from './released.ts'

const folder = packageSchemasFolder()
const [, , command = 'check', given] = process.argv

const check = async (): Promise<number> => {
  const faults = await faultsOf(folder)
  for (const fault of faults) process.stderr.write(`${fault}\n`)
  return faults.length === 0 ? 0 : 1
}

const commands: Readonly<Record<string, () => Promise<number>>> = {
  check,
  async add() {
    for (const { id, name } of await addIds(folder)) process.stdout.write(`${name}: id ${id}\n`)
    return check()
  },
  async freeze() {
    await freeze(folder, given ?? version())
    return check()
  },
}

const run = commands[command]
if (run === undefined) process.stderr.write('Commands: check, add, freeze [VERSION]\n')
process.exitCode = run === undefined ? 2 : await run()
