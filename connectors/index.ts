import { bin } from './bin/index.ts'
import { jira } from './jira/index.ts'
import { kafka } from './kafka/index.ts'
import { servicenow } from './servicenow/index.ts'
import { slack } from './slack/index.ts'
import type { ConnectorKind } from './types.ts'
import { webhook } from './webhook/index.ts'

/** Every connector, one line each. */
export const connectors: readonly ConnectorKind[] = [webhook, slack, servicenow, jira, kafka, bin]

export { type Bins, createBins } from './bin/index.ts'
export { deliveryReasons } from './reasons.ts'
export type {
  Attempt,
  AttemptResult,
  Connector,
  ConnectorContext,
  ConnectorKind,
  Publish,
  PutInBin,
} from './types.ts'
