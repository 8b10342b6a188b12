/** Brings the data folder it is given forward, and is killed at a step: the number of it is the second argument. */

import { bringForward } from '../../core/storage/format.ts'
import { dataFormat } from './data-folder.ts'

const [, , dir = '', last = '0'] = process.argv
let step = 0
await bringForward(dir, {
  ...dataFormat,
  onStep: () => {
    step += 1
    if (step === Number(last)) process.kill(process.pid, 'SIGKILL')
  },
})
console.log(`ended after ${step} steps`)
