import { isZenhookError, type ZenhookError } from '../../core/errors/index.ts'
import { bindScheme, presetOf, type VerifySource } from './settings.ts'

const unused = async (): Promise<string> => ''

/**
 * Why nothing could ever be verified with these settings, whatever the secrets are; to be told when a source is
 * configured. `details.path` is the place within `verify`, with dots.
 */
export const settingsFault = (source: VerifySource): ZenhookError | undefined => {
  try {
    for (const { verify } of presetOf(source).schemes) {
      const { scheme, config } = bindScheme(verify)
      scheme.prover(config, [scheme.generate(config).verifying], {
        fetchKey: unused,
        minSecretBytes: 1,
      })
    }
    return undefined
  } catch (error) {
    if (!isZenhookError(error)) throw error
    // A secret of ours does not fit every scheme: what the source's own secrets are is seen when they are resolved.
    return error.code.startsWith('ZENHOOK_VERIFY_SECRET_') ? undefined : error
  }
}
