/** One known error: what it means and what its reader should do. */
export interface ErrorEntry {
  /** What happened, one sentence, no full stop. */
  summary: string
  /** What to do about it, one sentence, imperative. */
  fix: string
}
