/**
 * Which keys have records in the spool, in fixed memory: counters by hash of the key. Two keys may share
 * a counter; then a record goes through the spool without need, which costs a little time and no promise.
 */
export const createKeyCounts = (size = 1 << 18) => {
  const counts = new Uint32Array(size)
  const slot = (key: string): number => {
    let hash = 0x811c9dc5
    for (let at = 0; at < key.length; at += 1)
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193)
    return (hash >>> 0) % size
  }
  return {
    add(key: string | null): void {
      if (key !== null) counts[slot(key)] = (counts[slot(key)] ?? 0) + 1
    },
    remove(key: string | null): void {
      if (key !== null) counts[slot(key)] = Math.max(0, (counts[slot(key)] ?? 0) - 1)
    },
    has: (key: string | null): boolean => key !== null && (counts[slot(key)] ?? 0) > 0,
    clear(): void {
      counts.fill(0)
    },
  }
}

export type KeyCounts = ReturnType<typeof createKeyCounts>
