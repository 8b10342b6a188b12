/** Brings the folder it is given forward, and is killed at a step: the number of it is the second argument. */

import { testFormat } from './format.testing.ts'
import { bringForward } from './format.ts'

const [, , dir = '', last = '0'] = process.argv
let step = 0
await bringForward(dir, {
  ...testFormat,
  onStep: () => {
    step += 1
    if (step === Number(last)) process.kill(process.pid, 'SIGKILL')
  },
})
console.log(`ended after ${step} steps`)
