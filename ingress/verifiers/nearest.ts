const distance = (left: string, right: string): number => {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at)
  for (let i = 1; i <= left.length; i++) {
    const next = [i]
    for (let j = 1; j <= right.length; j++)
      next.push(
        Math.min(
          (row[j] ?? 0) + 1,
          (next[j - 1] ?? 0) + 1,
          (row[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1),
        ),
      )
    row = next
  }
  return row[right.length] ?? 0
}

/** The known name that was probably meant, if any is near. */
export const nearest = (name: string, known: Iterable<string>): string | undefined => {
  const wanted = name.slice(0, 64).toLowerCase()
  let best: { name: string; distance: number } | undefined
  for (const each of known) {
    const away = each.startsWith(wanted) && wanted.length > 2 ? 1 : distance(wanted, each)
    if (!best || away < best.distance) best = { name: each, distance: away }
  }
  return best && best.distance <= Math.max(2, Math.floor(wanted.length / 3)) ? best.name : undefined
}
