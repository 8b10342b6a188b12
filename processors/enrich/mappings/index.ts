import type { Mapping } from '../mapping.ts'
import { github } from './github.ts'

export { generic } from './generic.ts'

/** One line per provider. */
export const mappings: readonly Mapping[] = [github]
