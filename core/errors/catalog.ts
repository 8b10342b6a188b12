import { apiErrors } from './catalog/api.ts'
import { cliErrors } from './catalog/cli.ts'
import { configErrors } from './catalog/config.ts'
import { connectorErrors } from './catalog/connector.ts'
import { decisionsErrors } from './catalog/decisions.ts'
import { ingressErrors } from './catalog/ingress.ts'
import { kvErrors } from './catalog/kv.ts'
import { logErrors } from './catalog/log.ts'
import { netErrors } from './catalog/net.ts'
import { registryErrors } from './catalog/registry.ts'
import { replayErrors } from './catalog/replay.ts'
import { schemasErrors } from './catalog/schemas.ts'
import { stageErrors } from './catalog/stage.ts'
import { storageErrors } from './catalog/storage.ts'
import { verifyErrors } from './catalog/verify.ts'

/** Every error that Zenhook can raise, by code `ZENHOOK_<AREA>_<WHAT>`; one file per area. */
export const catalog = {
  ...apiErrors,
  ...cliErrors,
  ...configErrors,
  ...connectorErrors,
  ...decisionsErrors,
  ...ingressErrors,
  ...kvErrors,
  ...logErrors,
  ...netErrors,
  ...registryErrors,
  ...replayErrors,
  ...schemasErrors,
  ...stageErrors,
  ...storageErrors,
  ...verifyErrors,
} as const

export type ErrorCode = keyof typeof catalog
