import type { Operation, Written } from './index.ts'

/** Writes operations as one transaction. */
export type Commit = (operations: readonly Operation[]) => Written

/** Operations, or what gives them when their transaction begins. */
export type Source = readonly Operation[] | (() => readonly Operation[])

interface Group {
  sources: Source[]
  written: Written
  start(written: Written): void
}

const createGroup = (): Group => {
  let start: (written: Written) => void = () => undefined
  const started = new Promise<Written>((resolve) => {
    start = resolve
  })
  const written = {
    committed: started.then(({ committed }) => committed),
    synced: started.then(({ synced }) => synced),
  }
  written.committed.catch(() => undefined)
  written.synced.catch(() => undefined)
  return { sources: [], written, start }
}

const nothing = (): Written => ({ committed: Promise.resolve(), synced: Promise.resolve() })

/** A transaction of so many operations, by their weight, says that more are coming: the next waits a little to take them along. */
const crowdedOperations = 12
const spacingMs = 6

/**
 * Group commit. What one turn of the event loop asks for is one transaction; the next begins once it
 * is synced, and takes along what was asked for meanwhile. A transaction per turn, as the engine would
 * make them, is hundreds of syncs under load, which slow one another down; this is a few.
 */
export const createCommitter = (commit: Commit): ((source: Source) => Written) => {
  let busy = false
  let waiting: Group | undefined
  let earliest = 0

  const start = (): void => {
    const group = waiting
    waiting = undefined
    busy = group !== undefined
    if (group === undefined) return
    const written = begin(group)
    group.start(written)
    written.synced.then(next, next)
  }

  const begin = ({ sources }: Group): Written => {
    earliest = 0
    try {
      const operations = sources.flatMap((source) =>
        typeof source === 'function' ? source() : source,
      )
      const weight = operations.reduce((sum, { weight = 1 }) => sum + weight, 0)
      if (weight >= crowdedOperations) earliest = performance.now() + spacingMs
      return operations.length === 0 ? nothing() : commit(operations)
    } catch (error) {
      return { committed: Promise.reject(error), synced: Promise.reject(error) }
    }
  }

  const next = (): void => {
    const left = earliest - performance.now()
    if (left > 0.5) setTimeout(start, left)
    else start()
  }

  return (source) => {
    if (source.length === 0 && typeof source !== 'function') return nothing()
    waiting ??= createGroup()
    waiting.sources.push(source)
    if (!busy) {
      busy = true
      setImmediate(next)
    }
    return waiting.written
  }
}
