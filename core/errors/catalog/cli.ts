import type { ErrorEntry } from './entry.ts'

export const cliErrors = {
  ZENHOOK_CLI_USAGE: {
    summary: 'The command line is not understood',
    fix: 'See zenhook --help, or zenhook COMMAND --help',
  },
  ZENHOOK_CLI_NO_INSTANCE: {
    summary: 'No running instance was found',
    fix: 'Start one with zenhook start, or name it with --url and ZENHOOK_TOKEN',
  },
  ZENHOOK_CLI_OTHER_INSTANCE: {
    summary: 'Another instance answers at the address of this data folder',
    fix: 'Check --data-dir and --url; nothing was sent to it',
  },
  ZENHOOK_CLI_NO_TOKEN: {
    summary: 'There is no token for the admin listener',
    fix: 'Set ZENHOOK_TOKEN, or give the --data-dir of the instance, which holds admin-token',
  },
  ZENHOOK_CLI_NOT_ADMIN: {
    summary: 'What answers is no admin listener of Zenhook',
    fix: 'Give --url the admin listener: port 8081 by default (ADMIN_PORT), the line "admin" that zenhook start prints',
  },
  ZENHOOK_CLI_TIMEOUT: {
    summary: 'The instance did not answer in time',
    fix: 'Ask again, or for less at once; zenhook doctor says what keeps it busy',
  },
  ZENHOOK_CLI_REFUSED: {
    summary: 'The instance refused the request',
    fix: 'Read what it answered',
  },
  ZENHOOK_CLI_PORT_BUSY: {
    summary: 'The port is in use',
    fix: 'End the other process or choose another port; --port 0 takes any free one',
  },
  ZENHOOK_CLI_NOT_LISTENING: {
    summary: 'The listener cannot be opened',
    fix: 'Check --host, --port and --admin-port',
  },
  ZENHOOK_CLI_FILE: {
    summary: 'A file cannot be read',
    fix: 'Check its path and permissions',
  },
  ZENHOOK_CLI_INPUT: {
    summary: 'The input cannot be understood',
    fix: 'See zenhook COMMAND --help for its form',
  },
} as const satisfies Record<string, ErrorEntry>
