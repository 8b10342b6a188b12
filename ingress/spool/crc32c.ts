// CRC-32C (Castagnoli), reflected polynomial: Node's zlib has only the other one.
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1
  return value
})

/** Of bytes that follow others: `before` is the checksum of those. */
export const crc32c = (bytes: Uint8Array, before = 0): number => {
  let value = before ^ 0xffffffff
  for (let at = 0; at < bytes.length; at += 1)
    value = (table[(value ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^ (value >>> 8)
  return (value ^ 0xffffffff) >>> 0
}
