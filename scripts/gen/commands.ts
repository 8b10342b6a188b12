import type { Command } from 'commander'
import { program } from '../../cli/program.ts'
import { heading } from './page.ts'

/** Everything that can be run: a command with an argument of its own is one too. */
const leaves = (command: Command): readonly Command[] =>
  command.commands.length === 0
    ? [command]
    : [
        ...(command.registeredArguments.length === 0 ? [] : [command]),
        ...command.commands.flatMap(leaves),
      ]

const fullName = (command: Command): string =>
  command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`

const section = (command: Command): string =>
  `## ${fullName(command)}\n\n\`\`\`\n${command
    .configureOutput({ getOutHelpWidth: () => 100 })
    .configureHelp({ helpWidth: 100 })
    .helpInformation()
    .trimEnd()}\n\`\`\`\n`

/** Every command with its options, as `--help` prints it. */
export const commandsPage = (): string =>
  [
    heading('Commands', 'Every command of `zenhook`.'),
    ...program().commands.flatMap(leaves).map(section),
  ].join('\n')
