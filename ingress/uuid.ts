import { randomFillSync } from 'node:crypto'

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

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
  let used = pool.length
  let last = 0
  let counter = 0

  const byte = (at: number): number => pool[used + at] ?? 0
  const digits = (value: number): string => hex[value & 0xff] ?? '00'

  return () => {
    if (used + 10 > pool.length) {
      fill(pool)
      used = 0
    }
    const time = now()
    if (time > last) {
      last = time
      counter = ((byte(0) << 8) | byte(1)) & 0x7ff
    } else if (counter < 0xfff) counter += 1
    else {
      last += 1
      counter = ((byte(0) << 8) | byte(1)) & 0x7ff
    }
    const high = Math.floor(last / 0x10000)
    const low = last % 0x10000
    const id = `${digits(high >>> 24)}${digits(high >>> 16)}${digits(high >>> 8)}${digits(high)}-${digits(low >>> 8)}${digits(low)}-${digits(0x70 | (counter >>> 8))}${digits(counter)}-${digits(0x80 | (byte(2) & 0x3f))}${digits(byte(3))}-${digits(byte(4))}${digits(byte(5))}${digits(byte(6))}${digits(byte(7))}${digits(byte(8))}${digits(byte(9))}`
    used += 10
    return id
  }
}
