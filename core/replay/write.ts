import type { Log } from '../log/port.ts'
import { isTooLarge } from '../stage/settle.ts'
import type { Mark } from './letters.ts'
import { noProgress, type Piece, type Progress } from './types.ts'

/**
 * Writes what a step made: at once; where a topic refuses a record as too large, piece by piece, so that it
 * dies alone. Gives those that died.
 */
export const writePieces = async (
  log: Pick<Log, 'append'>,
  pieces: readonly Piece[],
): Promise<readonly Piece[]> => {
  try {
    await log.append(pieces.flatMap(({ outputs }) => outputs))
    return []
  } catch (error) {
    if (!isTooLarge(error)) throw error
  }
  const refused: Piece[] = []
  for (const piece of pieces) if (!(await piece.alone(log))) refused.push(piece)
  return refused
}

/** What is to be added to the progress of the step that they belong to. */
export const progressOf = (refused: readonly Piece[]): Progress => {
  const sum = (of: (piece: Piece) => number): number =>
    refused.reduce((total, piece) => total + of(piece), 0)
  return {
    ...noProgress,
    replayed: -sum(({ counts }) => counts.replayed),
    dispatched: -sum(({ counts }) => counts.dispatched),
    died: refused.length,
  }
}

/** Letters that died again are open again. */
export const marksAfter = (
  marks: ReadonlyMap<string, Mark>,
  refused: readonly Piece[],
): ReadonlyMap<string, Mark> => {
  const open = new Set(refused.map(({ letter }) => letter))
  return new Map(
    [...marks].map(([id, mark]) => [id, open.has(id) ? { ...mark, state: 'open' } : mark]),
  )
}
