export interface Health {
  ok: boolean
  /** What cannot go on, and why; empty while all is well. */
  detail: string
}

/** Which partitions cannot go on; each is one entry, so that it stays bounded. */
export const createHealth = () => {
  const failing = new Map<string, string>()
  return {
    good: (name: string): void => {
      failing.delete(name)
    },
    bad: (name: string, why: string): void => {
      failing.set(name, why)
    },
    state: (): Health => ({
      ok: failing.size === 0,
      detail: [...failing].map(([name, why]) => `${name}: ${why}`).join('; '),
    }),
  }
}
