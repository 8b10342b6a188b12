import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { withHeader } from '../signing.ts'
import { credentials, staticProver, staticReasons } from '../static.ts'
import type { Scheme } from '../types.ts'
import { single } from '../view.ts'

const config = z.strictObject({ scheme: z.literal('bearer').describe('Name of the scheme') })

export const bearer: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'bearer',
    kind: 'verifier',
    summary: 'A static bearer token in Authorization',
    status: 'stable',
    config,
    secrets: { secrets: { description: 'The token', required: true, many: true } },
    reasons: staticReasons,
    examples: [{ title: 'A bearer token', yaml: 'verify: { scheme: bearer }' }],
  },
  prover: (_, secrets, deps) =>
    staticProver(secrets, deps, (view) => {
      const value = single(view, 'authorization')
      return typeof value === 'string' ? credentials(value, 'bearer') : value
    }),
  sign: (_, secret, draft) => withHeader(draft, 'authorization', `Bearer ${secret}`),
  generate: () => {
    const secret = randomBytes(24).toString('hex')
    return { signing: secret, verifying: secret }
  },
}
