import { Command } from 'commander'
import { collect } from '../context.ts'
import type { Flags } from '../load-settings.ts'

export const startCommand = (): Command =>
  new Command('start')
    .description('run: everything in one process on embedded engines, or roles on real servers')
    .option('--config <file>', 'configuration to publish at the start')
    .option('--data-dir <dir>', 'data folder (default: .zenhook; also DATA_DIR)')
    .option('--host <host>', 'address of the public listener (default: 127.0.0.1; also HOST)')
    .option('--port <n>', 'port of the public listener (default: 8080; also PORT)')
    .option('--admin-port <n>', 'port of the admin listener (default: 8081; also ADMIN_PORT)')
    .option('--roles <list>', 'all, or a list of ingress, processors, connectors, sink, api')
    .option('--chain <mode>', 'fused, or split with a topic between the stages')
    .option('--no-demo', 'without the demo source and its sample event')
    .option(
      '--allow-private <cidrs>',
      'private ranges that destinations may use, or TENANT=CIDR those of one tenant; may repeat',
      collect,
    )
    .action(async (flags: Flags) => {
      // The whole runtime: no other command pays for it.
      const { start } = await import('../start.ts')
      await start(flags)
    })
