import type { Caller } from '../core/replay/index.ts'

/** Who asks: there is one token, and it reaches every tenant. */
export const callerOf = (): Caller => ({ name: 'admin' })
