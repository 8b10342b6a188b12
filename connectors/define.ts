import type { ComponentSpec } from '../core/config/component.ts'
import { ZenhookError } from '../core/errors/index.ts'
import type { Connector, ConnectorContext, ConnectorKind } from './types.ts'

/** Binds a spec to its constructor, so that the list of connectors needs to know no configuration type. */
export const defineConnector = <C>(
  spec: ComponentSpec<C>,
  create: (config: C, context: ConnectorContext) => Connector,
): ConnectorKind => ({
  spec,
  create(context) {
    const parsed = spec.config.safeParse(context.destination.config)
    if (!parsed.success) {
      const { tenant, name } = context.destination
      const [issue] = parsed.error.issues
      throw new ZenhookError('ZENHOOK_CONNECTOR_CONFIG_INVALID', {
        message: `Destination ${tenant}/${name} is not valid for ${spec.name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
      })
    }
    return create(parsed.data, context)
  },
})
