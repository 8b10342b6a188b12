import { Command } from 'commander'
import { applyCommands } from './commands/apply.ts'
import { auditCommand } from './commands/audit.ts'
import { configCommand } from './commands/config.ts'
import { deadCommand } from './commands/dead.ts'
import { decisionsCommand } from './commands/decisions.ts'
import { doctorCommand } from './commands/doctor.ts'
import { eventsCommand, explainCommand } from './commands/events.ts'
import { providersCommand } from './commands/providers.ts'
import { replayCommand } from './commands/replay.ts'
import { startCommand } from './commands/start.ts'
import { topologyCommand } from './commands/topology.ts'
import { triggerCommand } from './commands/trigger.ts'
import { verifyCommand } from './commands/verify.ts'
import { version } from './version.ts'

const configure = (command: Command): void => {
  command
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError('See zenhook --help for what there is.')
  for (const child of command.commands) configure(child)
}

/** The whole command line, one file per command. */
export const program = (): Command => {
  const root = new Command('zenhook')
    .description('Receives webhooks, verifies each, loses none, and explains every decision')
    .version(version(), '-V, --version')
    // `replay` runs by itself and has subcommands too: options belong to what they stand behind.
    .enablePositionalOptions()
  for (const command of [
    startCommand(),
    configCommand(),
    ...applyCommands(),
    triggerCommand(),
    verifyCommand(),
    providersCommand(),
    eventsCommand(),
    explainCommand(),
    decisionsCommand(),
    deadCommand(),
    replayCommand(),
    auditCommand(),
    topologyCommand(),
    doctorCommand(),
  ]) {
    root.addCommand(command)
  }
  configure(root)
  return root
}
