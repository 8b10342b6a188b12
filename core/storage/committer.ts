import type { Operation, Written } from './index.ts'

/** Hands operations to the engine; all that one turn of the event loop hands over is one transaction. */
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

/**
 * Group commit. The engine would begin a transaction, and a sync of the disk, with every turn of the
 * event loop: under load hundreds of syncs that slow one another down, for what a few can carry. Here
 * the next transaction begins once the one before is synced, and takes along what was asked for
 * meanwhile. A quiet engine begins at once.
 */
export const createCommitter = (commit: Commit): Commit => {
  let state: 'idle' | 'filling' | 'syncing' = 'idle'
  let waiting: Group | undefined

  const begin = (operations: readonly Operation[]): Written => {
    state = 'filling'
    // Runs before the engine's own end of the turn, which is queued by the first operation.
    setImmediate(() => {
      state = 'syncing'
    })
    const written = commit(operations)
    written.synced.then(proceed, proceed)
    return written
  }
  const proceed = (): void => {
    state = 'idle'
    const group = waiting
    waiting = undefined
    if (group !== undefined) group.start(begin(group.operations))
  }

  return (operations) => {
    if (operations.length === 0) return { committed: Promise.resolve(), synced: Promise.resolve() }
    if (state === 'filling') return commit(operations)
    if (state === 'idle') return begin(operations)
    waiting ??= createGroup()
    for (const operation of operations) waiting.operations.push(operation)
    return waiting.written
  }
}
