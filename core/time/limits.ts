/** The outcome of the work; rejects with what `late` gives, by default `no answer in … ms`, when there is none after so long. */
export const inTime = async <T>(
  work: Promise<T>,
  limitMs: number,
  late: () => Error = () => new Error(`no answer in ${limitMs} ms`),
): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs)
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for the work, but no longer than that, ms; rejects only as the work rejects. */
export const atMost = async (limitMs: number, work: Promise<unknown>): Promise<void> => {
  let timer: ReturnType<typeof setTimeout> | undefined
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs)
  })
  try {
    await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}
