import type { Preset } from './preset.ts'

export const httpMessageSignatures: Preset = {
  name: 'http-message-signatures',
  aliases: ['rfc9421'],
  title: 'HTTP Message Signatures (RFC 9421)',
  docs: 'https://www.rfc-editor.org/rfc/rfc9421.html',
  evidence: {
    checked: 'vector',
    source: 'RFC 9421, appendix B.2',
    url: 'https://www.rfc-editor.org/rfc/rfc9421.html#appendix-B.2',
  },
  schemes: [
    {
      name: 'signature',
      verify: { scheme: 'http-message-signatures', tolerance: '5m' },
    },
  ],
  deliveryId: { proven: 'nonce' },
  idCovered: true,
  // Where the sender covers Content-Digest; verify.require makes it a must.
  bodyCovered: true,
  type: { first: [{ body: 'type' }, { body: 'event' }] },
  defaultType: 'event',
  patienceMs: 10_000,
  keep: ['content-digest', 'user-agent'],
  methods: ['PUT', 'PATCH'],
  secret: "The shared secret (text or base64), or the sender's public key (PEM or JWK)",
  samples: [
    {
      type: 'order.created',
      body: { type: 'order.created', order: { id: 'ord_1', total: 4900, currency: 'EUR' } },
    },
  ],
}
