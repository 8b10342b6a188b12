import { type Command, CommanderError } from 'commander'
import { hasCode } from '../core/errors/index.ts'
import { describeError } from './output.ts'

/** The answer is no, or the work failed: thrown by a command that has already said so. */
export class Negative extends Error {}

/** Runs one command line and gives its exit code: 0 ok, 1 no or failed, 2 usage. */
export const run = async (program: Command, argv: readonly string[]): Promise<number> => {
  try {
    await program.parseAsync([...argv], { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof Negative) return 1
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    process.stderr.write(describeError(error))
    return hasCode(error, 'ZENHOOK_CLI_USAGE') ? 2 : 1
  }
}
