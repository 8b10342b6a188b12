import { connectors } from '../connectors/index.ts'
import { targetFault } from '../core/net/registration.ts'
import type { Components } from '../core/registry/config/index.ts'
import { presets } from '../ingress/providers/index.ts'
import { settingsFault, verifierSpecs } from '../ingress/verifiers/index.ts'

/** Every component that configuration may name: what config lint, the reference and the generators read. */
export const components: Components = {
  providers: presets.map(({ name, aliases, secret }) => ({
    name,
    ...(aliases === undefined ? {} : { aliases }),
    secrets: { secret: { description: secret, required: true, many: true } },
  })),
  verifiers: verifierSpecs,
  connectors: connectors.map(({ spec }) => spec),
  verifyFault: (source) => {
    const error = settingsFault(source)
    if (error === undefined) return undefined
    const { path, known, isDuration } = error.details
    return {
      path: typeof path === 'string' && path !== '' ? path.split('.') : [],
      message: error.message,
      ...(Array.isArray(known) && { known: known.map(String) }),
      ...(isDuration === true && { code: 'ZENHOOK_CONFIG_BAD_DURATION' }),
    }
  },
  targetFault,
}
