import type { Row } from '../row.ts'
import { brokerRows } from './brokers.ts'
import { crashRows } from './crashes.ts'
import { groupRows } from './groups.ts'
import { replayRows } from './replays.ts'
import { soakRows } from './soak.ts'
import { storeRows } from './stores.ts'

/** Every row that is run on the rig, in the order in which they are run. */
export const faultRows: readonly Row[] = [
  ...replayRows,
  ...storeRows,
  ...brokerRows,
  ...groupRows,
  ...crashRows,
  ...soakRows,
]
