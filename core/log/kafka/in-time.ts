/**
 * The outcome of a call to kafkajs, which may wait for an answer that never comes; rejects with what
 * `late` gives when there is none after so long, ms.
 */
export const inTime = async <T>(
  work: Promise<T>,
  limitMs: number,
  late: () => Error,
): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
