/**
 * Gathers calls of one turn of the event loop into one batched call, index by index. A batch that
 * fails fails each of its calls.
 */
export const createBatcher = <I, O>(
  run: (items: readonly I[]) => Promise<readonly O[]>,
  maxBatch = 500,
): ((item: I) => Promise<O>) => {
  let waiting: { item: I; resolve: (value: O) => void; reject: (error: unknown) => void }[] = []

  const flush = (): void => {
    const calls = waiting
    waiting = []
    for (let from = 0; from < calls.length; from += maxBatch) {
      const batch = calls.slice(from, from + maxBatch)
      run(batch.map(({ item }) => item)).then(
        (values) =>
          batch.forEach(({ resolve }, index) => {
            resolve(values[index] as O)
          }),
        (error: unknown) => {
          for (const { reject } of batch) reject(error)
        },
      )
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (waiting.length === 0) setImmediate(flush)
      waiting.push({ item, resolve, reject })
    })
}
