import { LRUCache } from 'lru-cache'
import type { Event } from '../../core/event/index.ts'
import { compileTransform, type Transform } from '../../core/expression/transform.ts'

/** Makes a JSON value of an event by JSONata, within limits of time and size. Rejects with ZENHOOK_CONFIG_*. */
export type Transforms = (source: string, event: Event) => Promise<unknown>

/** Compiles each source once, and forgets the ones unused for longest. */
export const createTransforms = (max = 500): Transforms => {
  const compiled = new LRUCache<string, Transform>({ max })
  return async (source, event) => {
    let transform = compiled.get(source)
    if (transform === undefined) {
      transform = compileTransform(source)
      compiled.set(source, transform)
    }
    return transform.run(event)
  }
}
