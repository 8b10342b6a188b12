import type { Preset } from './preset.ts'

export const discord: Preset = {
  name: 'discord',
  title: 'Discord',
  docs: 'https://discord.com/developers/docs/interactions/overview#setting-up-an-endpoint',
  evidence: {
    checked: 'library',
    source: 'discord-interactions 4.4.0, verifyKey',
    url: 'https://github.com/discord/discord-interactions-js',
  },
  schemes: [
    {
      name: 'ed25519',
      verify: {
        scheme: 'ed25519',
        header: 'x-signature-ed25519',
        timestamp: { header: 'x-signature-timestamp', unit: 's' },
        template: '{timestamp}{body}',
        tolerance: '5m',
      },
    },
  ],
  deliveryId: { body: 'id' },
  idCovered: true,
  bodyCovered: true,
  type: {
    first: [
      { body: 'event.type' },
      {
        map: { body: 'type' },
        to: {
          '1': 'ping',
          '2': 'application_command',
          '3': 'message_component',
          '4': 'application_command_autocomplete',
          '5': 'modal_submit',
        },
      },
    ],
  },
  defaultType: 'interaction',
  patienceMs: 3_000,
  keep: ['user-agent'],
  handshakes: [
    // An interaction's ping, then that of webhook events: there type 1 is an event and 0 the ping.
    {
      kind: 'body',
      when: { type: '1' },
      unless: ['event'],
      reply: { json: { type: { text: 1 } } },
    },
    { kind: 'body', when: { type: '0' }, unless: ['event'], reply: { status: 204 } },
  ],
  secret: 'The public key of the application, in hex: General Information',
  notes: ['Discord signs the time but names no tolerance: five minutes are ours.'],
  samples: [
    {
      type: 'application_command',
      body: {
        id: '846462639134605312',
        application_id: '845027738276462632',
        type: 2,
        version: 1,
        guild_id: '290926798626357999',
        channel_id: '645027906669510667',
        member: { user: { id: '53908232506183680', username: 'mason' } },
        data: { id: '771825006014889984', name: 'incident', type: 1 },
      },
    },
  ],
}
