import type { Row } from '../row.ts'
import { brokerRows } from './brokers.ts'
import { configurationRows } from './configuration.ts'
import { crashRows } from './crashes.ts'
import { groupRows } from './groups.ts'
import { lifecycleRows } from './lifecycle.ts'
import { loadRows } from './load.ts'
import { networkRows } from './network.ts'
import { quorumRows } from './quorum.ts'
import { replayRows } from './replays.ts'
import { soakRows } from './soak.ts'
import { stateRows } from './state.ts'
import { storeRows } from './stores.ts'
import { topicRows } from './topics.ts'
import { volumeRows } from './volume.ts'

/** Every row that is run on the rig, in the order in which they are run: what reads all again comes early. */
export const faultRows: readonly Row[] = [
  ...replayRows,
  ...stateRows,
  ...storeRows,
  ...loadRows,
  ...configurationRows,
  ...brokerRows,
  ...quorumRows,
  ...networkRows,
  ...groupRows,
  ...crashRows,
  ...lifecycleRows,
  ...topicRows,
  ...volumeRows,
  ...soakRows,
]
