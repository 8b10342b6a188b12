import type { Client } from './client.ts'
import type { Context } from './context.ts'

/** Page after page of a collection: each names the one that follows. */
export const pagesOf = async function* <P extends { next?: string }>(
  api: Client,
  path: string,
  query: URLSearchParams,
): AsyncGenerator<P> {
  const asked = new URLSearchParams(query)
  for (;;) {
    const page = await api.request<P>('GET', `${path}?${asked}`)
    yield page
    if (page.next === undefined) return
    asked.set('cursor', page.next)
  }
}

/** Says that a list, newest first, ends before what there is may end, and how to see the rest. */
export const tellOlder = (
  { streams, quiet }: Pick<Context, 'streams' | 'quiet'>,
  shown: number,
  /** When the last of them was, RFC 3339. */
  last: string | undefined,
): void => {
  if (quiet || last === undefined) return
  // `--until` leaves out its own millisecond, which others may share with the last one.
  const until = new Date(Date.parse(last) + 1).toISOString()
  streams.err(
    `only the newest ${shown} are shown, older ones may follow: --limit shows up to 1000, --until ${until} goes on from the last\n`,
  )
}
