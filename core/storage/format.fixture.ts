/** Brings the folder it is given forward, and is killed at a step: the number of it is the second argument. */

import { bringForwardUntil, testFormat } from './format.testing.ts'

const [, , dir = '', last = '0'] = process.argv
await bringForwardUntil(dir, Number(last), testFormat)
