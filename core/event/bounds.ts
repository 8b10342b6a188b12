/** JSON nested deeper than this is not parsed: whoever walks the data may recurse. */
export const maxDataDepth = 100

/**
 * What a parser is slow at, and everybody else waits for: very many objects, arrays and members together (more only
 * where each stands for so many bytes), and very many different names. Real payloads repeat their names.
 */
const maxParts = 50_000
const bytesPerPart = 8
const maxNames = 10_000
/** Shorter than this holds too little to be slow: only its depth counts. */
const smallBytes = 65_536

/** Fields of a form, likewise. */
const maxFields = 10_000

const isShallow = (raw: Uint8Array): boolean => {
  let depth = 0
  for (let at = 0; at < raw.length; at += 1) {
    const byte = raw[at]
    if (byte === 0x22) {
      at += 1
      while (at < raw.length && raw[at] !== 0x22) at += raw[at] === 0x5c ? 2 : 1
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > maxDataDepth) return false
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return true
}

// Names that were seen, by hash: of two that share a place only one is counted.
const seen = new Uint8Array(65_536)

/** Whether JSON is cheap enough to be parsed: a scan of the bytes, before anything is built. */
export const isBoundedJson = (raw: Uint8Array): boolean => {
  if (raw.length <= smallBytes) return isShallow(raw)
  const most = Math.max(maxParts, raw.length / bytesPerPart)
  seen.fill(0)
  let depth = 0
  let parts = 0
  let names = 0
  let hash = 0
  for (let at = 0; at < raw.length; at += 1) {
    const byte = raw[at]
    if (byte === 0x22) {
      hash = 0
      for (at += 1; at < raw.length && raw[at] !== 0x22; at += 1) {
        if (raw[at] === 0x5c) at += 1
        hash = (Math.imul(hash, 31) + (raw[at] ?? 0)) | 0
      }
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      parts += 1
      if (depth > maxDataDepth) return false
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1
    else if (byte === 0x3a) {
      parts += 1
      const place = (hash ^ (hash >>> 16)) & 0xffff
      if (seen[place] === 0) {
        seen[place] = 1
        names += 1
      }
    }
  }
  return parts <= most && names <= maxNames
}

/** Whether a form is cheap enough to be parsed. */
export const isBoundedForm = (raw: Uint8Array): boolean => {
  let fields = 1
  for (let at = raw.indexOf(0x26); at !== -1; at = raw.indexOf(0x26, at + 1)) {
    fields += 1
    if (fields > maxFields) return false
  }
  return true
}

/** Whether it begins as an object or an array does. */
export const startsLikeJson = (raw: Uint8Array): boolean => {
  const first = raw.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
  return first === 0x7b || first === 0x5b
}
