import type { ComponentSpec } from '../core/config/component.ts'
import { ZenhookError } from '../core/errors/index.ts'
import { failureOf } from './http.ts'
import type { Attempt, AttemptResult, ConnectorContext, ConnectorKind } from './types.ts'

/** A connector as its module makes it; `timeoutMs` of an attempt's context is what is left of the attempt's time. */
export interface Speaker {
  deliver(attempt: Attempt, signal: AbortSignal, context: ConnectorContext): Promise<AttemptResult>
}

/** However many exchanges an attempt takes, and however long it waits for others: one deadline. */
const within = (context: ConnectorContext): ConnectorContext => {
  const until = performance.now() + context.timeoutMs
  return {
    ...context,
    get timeoutMs() {
      return Math.max(0, until - performance.now())
    },
  }
}

/**
 * Binds a spec to its constructor, so that the list of connectors needs to know no configuration type. What a
 * connector lets through of the errors of the way out becomes the result of its attempt.
 */
export const defineConnector = <C>(
  spec: ComponentSpec<C>,
  create: (config: C, context: ConnectorContext) => Speaker,
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
    const connector = create(parsed.data, context)
    return {
      async deliver(attempt, signal) {
        try {
          return await connector.deliver(attempt, signal, within(context))
        } catch (error) {
          return failureOf(error)
        }
      },
    }
  },
})
