import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { withHeader } from '../signing.ts'
import { staticProver, staticReasons } from '../static.ts'
import { refuse, type Scheme } from '../types.ts'
import { single } from '../view.ts'

const config = z.strictObject({
  scheme: z.literal('token').describe('Name of the scheme'),
  header: z.string().min(1).toLowerCase().describe('Header that carries the token'),
  prefix: z.string().default('').describe('Text before the token'),
})

export const token: Scheme<z.infer<typeof config>> = {
  spec: {
    name: 'token',
    kind: 'verifier',
    summary: 'A static token in a header, for providers that sign nothing',
    status: 'stable',
    config,
    secrets: { secrets: { description: 'The token', required: true, many: true } },
    reasons: staticReasons,
    examples: [
      { title: 'A token in a header', yaml: 'verify: { scheme: token, header: x-token }' },
    ],
  },
  prover: ({ header, prefix }, secrets, deps) =>
    staticProver(secrets, deps, (view) => {
      const value = single(view, header)
      if (typeof value !== 'string') return value
      return value.startsWith(prefix)
        ? value.slice(prefix.length)
        : refuse('malformed', `header ${header} has no ${prefix}`)
    }),
  sign: ({ header, prefix }, secret, draft) => withHeader(draft, header, prefix + secret),
  generate: () => {
    const secret = randomBytes(24).toString('hex')
    return { signing: secret, verifying: secret }
  },
}
