import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Lets go of everything that nobody holds, now: what is measured afterwards is held. */
export const collectGarbage = (): void => {
  if (typeof collect === 'function') collect()
}
