/** Brings the data folder it is given forward, and is killed at a step: the number of it is the second argument. */

import { bringForwardUntil } from '../../core/storage/format.testing.ts'
import { dataFormat } from './data-folder.ts'

const [, , dir = '', last = '0'] = process.argv
await bringForwardUntil(dir, Number(last), dataFormat)
