/** Edits (insert, delete, replace, swap of neighbours) between two words. */
const distance = (left: string, right: string): number => {
  let before: number[] = []
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1]
      const swapped =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1]
      current.push(
        Math.min(
          (previous[column] ?? 0) + 1,
          (current[column - 1] ?? 0) + 1,
          (previous[column - 1] ?? 0) + (same ? 0 : 1),
          swapped ? (before[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    before = previous
    previous = current
  }
  return previous[right.length] ?? 0
}

/** The candidate that was probably meant: at most a third of the word's letters differ (and at least two may). */
export const nearest = (word: string, candidates: Iterable<string>): string | undefined => {
  const wanted = word.slice(0, 64).toLowerCase()
  let best: { name: string; edits: number } | undefined
  for (const name of candidates) {
    const edits = distance(wanted, name.slice(0, 64).toLowerCase())
    if (best === undefined || edits < best.edits) best = { name, edits }
  }
  const allowed = Math.max(Math.min(2, wanted.length - 1), Math.floor(wanted.length / 3))
  return best !== undefined && best.edits <= allowed ? best.name : undefined
}
