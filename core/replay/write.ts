import type { Log } from '../log/port.ts'
import { isTooLarge, isUrgent } from '../stage/settle.ts'
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
  const outputs = pieces.flatMap((piece) => piece.outputs)
  try {
    // What decisions tell of has to be in the log before they are.
    await log.append(outputs.filter(isUrgent))
    await log.append(outputs.filter((output) => !isUrgent(output)))
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
  // Those that had come to nothing before are counted already.
  const died = sum(({ counts }) => counts.replayed)
  const dispatched = -sum(({ counts }) => counts.dispatched)
  return { ...noProgress, replayed: -died, dispatched, died }
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
