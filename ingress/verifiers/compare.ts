import { createHash, timingSafeEqual } from 'node:crypto'

/** Whether two digests are the same, in a time that tells nothing of where they differ. Never throws. */
export const equalBytes = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && timingSafeEqual(left, right)

/** The fixed-size stand-in of a text, so that texts of any length compare in one time. */
export const fingerprint = (text: string | Uint8Array): Buffer =>
  createHash('sha256').update(text).digest()
