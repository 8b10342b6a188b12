import { randomFillSync } from 'node:crypto'

const digits = Buffer.from('0123456789abcdef', 'latin1')
const dash = 0x2d

/**
 * UUIDv7 (RFC 9562): milliseconds, then a counter in `rand_a` that starts anew at random in each
 * millisecond, then random bits. Ids of one generator only grow, also when the clock steps back.
 */
export const createUuidV7 = (
  now: () => number = Date.now,
  fill: (bytes: Uint8Array) => void = randomFillSync,
): (() => string) => {
  // Random bytes come in bulk: one call to the system per 256 ids.
  const pool = new Uint8Array(256 * 10)
  const text = Buffer.alloc(36, dash)
  let used = pool.length
  let last = 0
  let counter = 0

  const random = (at: number): number => pool[used + at] ?? 0
  const put = (at: number, byte: number): void => {
    text[at] = digits[(byte >>> 4) & 0xf] ?? 0
    text[at + 1] = digits[byte & 0xf] ?? 0
  }

  return () => {
    if (used + 10 > pool.length) {
      fill(pool)
      used = 0
    }
    const time = now()
    if (time > last) {
      last = time
      counter = ((random(0) << 8) | random(1)) & 0x7ff
    } else if (counter < 0xfff) counter += 1
    else {
      last += 1
      counter = ((random(0) << 8) | random(1)) & 0x7ff
    }
    const high = Math.floor(last / 0x10000)
    put(0, high >>> 24)
    put(2, high >>> 16)
    put(4, high >>> 8)
    put(6, high)
    put(9, last >>> 8)
    put(11, last)
    put(14, 0x70 | (counter >>> 8))
    put(16, counter)
    put(19, 0x80 | (random(2) & 0x3f))
    put(21, random(3))
    for (let at = 0; at < 6; at += 1) put(24 + 2 * at, random(4 + at))
    used += 10
    // One flat string: joined pieces would live on in every table that keeps the id.
    return text.toString('latin1')
  }
}
