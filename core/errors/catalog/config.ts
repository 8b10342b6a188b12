import type { ErrorEntry } from './entry.ts'

export const configErrors = {
  ZENHOOK_CONFIG_INVALID: {
    summary: 'The configuration file has faults',
    fix: 'Mend each fault at its place; zenhook config check FILE lists them',
  },
  ZENHOOK_CONFIG_BAD_ENV: {
    summary: 'An environment variable or flag has a value that cannot be used',
    fix: 'Give it a value of the form that the message names, or leave it out for its default',
  },
  ZENHOOK_CONFIG_TOO_LARGE: {
    summary: 'The configuration file is larger than 1 MiB',
    fix: 'Make it smaller, or publish single objects with PUT /v1/registry/{kind}/{tenant}/{name}: apply replaces the whole configuration',
  },
  ZENHOOK_CONFIG_SYNTAX: {
    summary: 'The configuration file is not valid YAML',
    fix: 'Mend the line that is named; indent with spaces, quote values that hold `: ` or ` #`',
  },
  ZENHOOK_CONFIG_ALIAS: {
    summary: 'The configuration file uses a YAML anchor, alias, merge key or tag',
    fix: 'Write the value out: anchors, aliases, merge keys and tags are not read',
  },
  ZENHOOK_CONFIG_DUPLICATE_KEY: {
    summary: 'A key or name stands twice in the same place',
    fix: 'Keep one of them',
  },
  ZENHOOK_CONFIG_UNKNOWN_KEY: {
    summary: 'A key is not known here',
    fix: 'Correct its spelling or remove it; the keys are listed in docs/reference',
  },
  ZENHOOK_CONFIG_MISSING_KEY: {
    summary: 'A required key is absent',
    fix: 'Add the key that the message names',
  },
  ZENHOOK_CONFIG_BAD_TYPE: {
    summary: 'A value has the wrong type',
    fix: 'Give a value of the type that the message names',
  },
  ZENHOOK_CONFIG_BAD_VALUE: {
    summary: 'A value is not allowed here',
    fix: 'Give one of the values that the message allows',
  },
  ZENHOOK_CONFIG_BAD_NAME: {
    summary: 'A name is not a DNS label',
    fix: 'Use 1 to 63 of a-z, 0-9 and "-", starting and ending with a letter or digit',
  },
  ZENHOOK_CONFIG_BAD_DURATION: {
    summary: 'A value is not a duration',
    fix: 'Write a whole number with its unit: 250ms, 5s, 10m, 24h or 7d',
  },
  ZENHOOK_CONFIG_BAD_SIZE: {
    summary: 'A value is not a size',
    fix: 'Write a whole number with its unit: 64KiB or 1MiB',
  },
  ZENHOOK_CONFIG_BAD_PATH: {
    summary: 'A value is not a JSON path',
    fix: 'Write names with dots and indexes in brackets: repository.full_name, commits[0].id, ["odd key"]',
  },
  ZENHOOK_CONFIG_BAD_CONDITION: {
    summary: 'A condition is not valid CEL',
    fix: 'Correct the expression; it reads event, facts and score, for instance score.urgency >= 0.7',
  },
  ZENHOOK_CONFIG_BAD_TRANSFORM: {
    summary: 'A transform is not valid JSONata',
    fix: 'Correct the expression, for instance { "text": "Build failed in " & data.repository.full_name }',
  },
  ZENHOOK_CONFIG_TRANSFORM_FAILED: {
    summary: 'A transform failed on this event',
    fix: 'Mend the expression so that it copes with this event, then replay the dead letter',
  },
  ZENHOOK_CONFIG_TRANSFORM_LIMIT: {
    summary: 'A transform took too long or gave too much',
    fix: 'Make the expression simpler, or its output smaller, then replay the dead letter',
  },
  ZENHOOK_CONFIG_UNKNOWN_PROVIDER: {
    summary: 'A source names a provider that has no preset',
    fix: 'See `zenhook providers list`, or spell the scheme out under `verify`',
  },
  ZENHOOK_CONFIG_UNKNOWN_SCHEME: {
    summary: 'A source names a verification scheme that does not exist',
    fix: 'Use one of the schemes listed in docs/reference',
  },
  ZENHOOK_CONFIG_UNKNOWN_CONNECTOR: {
    summary: 'A destination names a connector that does not exist',
    fix: 'Use one of the connectors listed in docs/reference',
  },
  ZENHOOK_CONFIG_UNKNOWN_DESTINATION: {
    summary: 'A route goes to a destination that its tenant does not have',
    fix: 'Add the destination, or correct its name in `to`',
  },
  ZENHOOK_CONFIG_UNUSED_DESTINATION: {
    summary: 'No route goes to this destination',
    fix: 'Add it to the `to` of a route, or remove it',
  },
  ZENHOOK_CONFIG_UNREACHABLE_ROUTE: {
    summary: 'An earlier route with `stop: true` takes every event before this one',
    fix: 'Move this route up, or narrow the earlier one',
  },
  ZENHOOK_CONFIG_BAD_SECRET: {
    summary: 'A secret is not a reference',
    fix: 'Write env:NAME or file:/absolute/path (plain:value for tests only)',
  },
  ZENHOOK_CONFIG_MISSING_SECRET: {
    summary: 'A required secret is absent',
    fix: 'Add it under `secrets` as env:NAME or file:/absolute/path',
  },
  ZENHOOK_CONFIG_PLAIN_SECRET: {
    summary: 'A secret stands in the file itself',
    fix: 'Move it to the environment (env:NAME) or to a file (file:/absolute/path); plain: is for tests',
  },
} as const satisfies Record<string, ErrorEntry>
