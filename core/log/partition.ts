/**
 * Kafka's default partitioner: murmur2 of the key's UTF-8 bytes, made positive, modulo the partitions.
 * Every adapter uses it, so that a key lands in the same partition whatever wrote it: ours, the Java
 * client, or another tool. Source: `org.apache.kafka.common.utils.Utils.murmur2`.
 */
export const murmur2 = (data: Uint8Array): number => {
  const mixer = 0x5bd1e995
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const whole = data.byteLength & ~3
  let hash = 0x9747b28c ^ data.byteLength
  for (let at = 0; at < whole; at += 4) {
    let word = Math.imul(view.getInt32(at, true), mixer)
    word = Math.imul(word ^ (word >>> 24), mixer)
    hash = Math.imul(hash, mixer) ^ word
  }
  const rest = data.byteLength - whole
  if (rest > 0) {
    for (let at = rest - 1; at >= 0; at -= 1) hash ^= view.getUint8(whole + at) << (8 * at)
    hash = Math.imul(hash, mixer)
  }
  hash = Math.imul(hash ^ (hash >>> 13), mixer)
  return hash ^ (hash >>> 15)
}

const encoder = new TextEncoder()

export const partitionOf = (key: string, partitions: number): number =>
  (murmur2(encoder.encode(key)) & 0x7fffffff) % partitions

const stickyMs = 50

/**
 * Kafka's sticky partitioning (KIP-480) by the clock: all records of a moment go to one partition, those of the next
 * moment to the next, so that each write and each batch holds many.
 */
export const stickyPartition = (now: number, partitions: number): number =>
  Math.floor(now / stickyMs) % partitions

/** Chooses partitions: by key where its order matters, else in turn. One per log, for it counts. */
export const createPartitioner = (): ((
  record: { topic: string; key: string | null; unordered?: boolean },
  partitions: number,
  now: number,
) => number) => {
  const turns = new Map<string, number>()
  return ({ topic, key, unordered = false }, partitions, now) => {
    if (unordered) return stickyPartition(now, partitions)
    if (key !== null) return partitionOf(key, partitions)
    const turn = turns.get(topic) ?? 0
    turns.set(topic, (turn + 1) % Number.MAX_SAFE_INTEGER)
    return turn % partitions
  }
}
