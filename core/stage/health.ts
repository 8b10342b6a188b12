export interface Health {
  ok: boolean
  /** What cannot go on, and why; empty while all is well. */
  detail: string
}

/** Which partitions cannot go on; each is one entry, so that it stays bounded. */
export const createHealth = () => {
  const failing = new Map<string, { why: string; signal: AbortSignal }>()
  return {
    good: (name: string): void => {
      failing.delete(name)
    },
    /** Counts until `good`, or until the signal says that the partition is somebody else's. */
    bad: (name: string, why: string, signal: AbortSignal): void => {
      failing.set(name, { why, signal })
    },
    state: (): Health => {
      for (const [name, { signal }] of failing) if (signal.aborted) failing.delete(name)
      return {
        ok: failing.size === 0,
        detail: [...failing].map(([name, { why }]) => `${name}: ${why}`).join('; '),
      }
    },
  }
}
