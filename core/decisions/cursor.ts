import { ZenhookError } from '../errors/index.ts'

/** A place in a list that is ordered by time and then by id, newest first. */
export interface Place {
  /** Milliseconds since the epoch. */
  at: number
  id: string
}

export const cursorOf = ({ at, id }: Place): string =>
  Buffer.from(`${at}/${id}`).toString('base64url')

/** Throws ZENHOOK_DECISIONS_QUERY_REFUSED for what no page gave. */
export const parseCursor = (cursor: string): Place => {
  const [, at, id] = /^(\d{1,15})\/(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (at === undefined || id === undefined)
    throw new ZenhookError('ZENHOOK_DECISIONS_QUERY_REFUSED', {
      message: 'The cursor is not one that a page gave',
      fix: 'Pass `next` of the page before, as it is',
    })
  return { at: Number(at), id }
}
