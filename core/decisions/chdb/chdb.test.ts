import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decisionsContract } from '../contract.ts'
import { createChdbDecisions } from './index.ts'

const folder = await mkdtemp(join(tmpdir(), 'zenhook-chdb-'))

decisionsContract({
  name: 'chdb',
  open: () => createChdbDecisions({ folder }),
  reopen: () => createChdbDecisions({ folder }),
  destroy: () => rm(folder, { recursive: true, force: true }),
})
