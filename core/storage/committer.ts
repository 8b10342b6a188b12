import type { Operation, Written } from './index.ts'

/** Writes operations as one transaction. */
export type Commit = (operations: readonly Operation[]) => Written

interface Group {
  operations: Operation[]
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
  return { operations: [], written, start }
}

/** A transaction of so many operations says that more are coming: the next waits a little to take them along. */
const crowdedOperations = 12
const spacingMs = 3

/**
 * Group commit. What one turn of the event loop asks for is one transaction; the next begins once it
 * is synced, and takes along what was asked for meanwhile. A transaction per turn, as the engine would
 * make them, is hundreds of syncs under load, which slow one another down; this is a few.
 */
export const createCommitter = (commit: Commit): Commit => {
  let busy = false
  let waiting: Group | undefined
  let earliest = 0

  const start = (): void => {
    const group = waiting
    waiting = undefined
    busy = group !== undefined
    if (group === undefined) return
    const crowded = group.operations.length >= crowdedOperations
    earliest = crowded ? performance.now() + spacingMs : 0
    const written = commit(group.operations)
    group.start(written)
    written.synced.then(next, next)
  }

  const next = (): void => {
    const left = earliest - performance.now()
    if (left > 0.5) setTimeout(start, left)
    else start()
  }

  return (operations) => {
    if (operations.length === 0) return { committed: Promise.resolve(), synced: Promise.resolve() }
    waiting ??= createGroup()
    for (const operation of operations) waiting.operations.push(operation)
    if (!busy) {
      busy = true
      setImmediate(next)
    }
    return waiting.written
  }
}
