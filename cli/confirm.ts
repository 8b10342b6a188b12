import type { Command } from 'commander'
import { Negative } from './run.ts'

/** `--yes` for a command that destroys something. */
export const withYes = (command: Command): Command =>
  command.option('-y, --yes', 'do not ask before anything is destroyed')

/** Whether somebody is there to be asked: otherwise a command does what it was told. */
export const mayAsk = (yes: boolean | undefined): boolean =>
  yes !== true && process.stdin.isTTY === true && process.stderr.isTTY === true

/** Asks on standard error; throws Negative, having said so, when the answer is no. */
export const confirmed = async (question: string): Promise<void> => {
  const { confirm } = await import('@clack/prompts')
  const answer = await confirm({
    message: question,
    initialValue: false,
    output: process.stderr,
  })
  if (answer === true) return
  process.stderr.write('nothing was changed\n')
  throw new Negative()
}
