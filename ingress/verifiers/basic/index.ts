import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { decode } from '../encoding.ts'
import { wrongForm } from '../secrets.ts'
import { withHeader } from '../signing.ts'
import { credentials, staticProver, staticReasons } from '../static.ts'
import { refuse, type Scheme } from '../types.ts'
import { single } from '../view.ts'

const config = z.strictObject({ scheme: z.literal('basic').describe('Name of the scheme') })

export const basic: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'basic',
    kind: 'verifier',
    summary: 'A user and a password in Authorization',
    status: 'stable',
    config,
    secrets: { secrets: { description: 'user:password', required: true, many: true } },
    reasons: staticReasons,
    examples: [{ title: 'A user and a password', yaml: 'verify: { scheme: basic }' }],
  },
  prover: (_, secrets, deps) => {
    secrets.forEach((secret, index) => {
      if (!/^[^:]+:.+$/s.test(secret)) throw wrongForm(index, 'user:password')
    })
    return staticProver(secrets, deps, (view) => {
      const value = single(view, 'authorization')
      if (typeof value !== 'string') return value
      const text = credentials(value, 'basic')
      if (typeof text !== 'string') return text
      const bytes = decode(text, 'base64')
      return bytes
        ? Buffer.from(bytes).toString('utf8')
        : refuse('malformed', 'header authorization is not base64')
    })
  },
  sign: (_, secret, draft) =>
    withHeader(draft, 'authorization', `Basic ${Buffer.from(secret).toString('base64')}`),
  generate: () => {
    const secret = `zenhook:${randomBytes(24).toString('hex')}`
    return { signing: secret, verifying: secret }
  },
}
