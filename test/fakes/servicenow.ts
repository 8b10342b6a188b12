import { type Answer, type Arrival, type Receiver, startReceiver } from './receiver.ts'

export interface FakeServiceNow extends Receiver {
  readonly username: string
  readonly password: string
  readonly clientId: string
  readonly clientSecret: string
  /** Records of the table `incident`, by sys_id. */
  readonly rows: Map<string, Record<string, string>>
  /** Encoded queries of the searches, decoded from the URL. */
  readonly searches: string[]
  /** Tokens that are accepted; emptied, all clients must ask again. */
  readonly tokens: Set<string>
  /** Tokens handed out. */
  issued: number
  /** The next answers are an error within 200. */
  readonly refusals: string[]
  /** The table has the column `correlation_id`; without it, values for it and conditions on it are ignored. */
  correlated: boolean
  /** The account may read the records: others are counted in a search, and not shown. */
  readable: boolean
  /** A search knows records made before; false: it lags behind. */
  indexed: boolean
  /** Records made so far: no id is given twice. */
  made: number
  /** Statuses with which a gateway answers the next writes, after they had their effect. */
  readonly lost: number[]
}

const json = (status: number, body: object): Answer => ({
  status,
  headers: { 'content-type': 'application/json;charset=UTF-8' },
  body: JSON.stringify(body),
})
const problem = (status: number, message: string): Answer =>
  json(status, { error: { message, detail: '' }, status: 'failure' })

/** Conditions of an encoded query: `^` parts them, `^^` is a character. */
const conditionsOf = (query: string): [string, string][] =>
  query
    .replaceAll('^^', '\u0000')
    .split('^')
    .map((part) => part.replaceAll('\u0000', '^'))
    .flatMap((part): [string, string][] => {
      const at = part.indexOf('=')
      return at < 0 ? [] : [[part.slice(0, at), part.slice(at + 1)]]
    })

/** ServiceNow's Table API for incidents, with basic and OAuth credentials. */
export const startFakeServiceNow = async (): Promise<FakeServiceNow> => {
  const username = 'zenhook'
  const password = 'genuine'
  const clientId = 'client'
  const clientSecret = 'genuine-client'
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

  const token = ({ body }: Arrival): Answer => {
    const form = new URLSearchParams(body.toString())
    const good =
      form.get('grant_type') === 'client_credentials' &&
      form.get('client_id') === clientId &&
      form.get('client_secret') === clientSecret
    if (!good) return json(401, { error: 'access_denied', error_description: 'access_denied' })
    fake.issued += 1
    const access = `token-${fake.issued}`
    fake.tokens.add(access)
    return json(200, { access_token: access, token_type: 'Bearer', expires_in: 1799 })
  }

  const allowed = (authorization: string | undefined): boolean =>
    authorization === basic || fake.tokens.has((authorization ?? '').replace(/^Bearer /, ''))

  const serve = (arrival: Arrival): Answer => {
    const { pathname, searchParams } = new URL(arrival.url, 'http://snow.test')
    if (pathname === '/oauth_token.do') return token(arrival)
    if (!allowed(arrival.headers.authorization)) return problem(401, 'User Not Authenticated')
    const refusal = fake.refusals.shift()
    if (refusal !== undefined) return problem(200, refusal)
    const [, table, sysId] = /^\/api\/now\/table\/([^/]+)(?:\/([^/]+))?$/.exec(pathname) ?? []
    if (table !== 'incident') return problem(400, `Invalid table ${table ?? ''}`)
    const columns = searchParams.get('sysparm_fields')?.split(',')
    /** Of a record what was asked for. */
    const shown = (row: Record<string, string>) =>
      Object.fromEntries(Object.entries(row).filter(([name]) => columns?.includes(name) ?? true))
    const isColumn = (name: string): boolean => fake.correlated || name !== 'correlation_id'
    if (sysId === undefined && arrival.method === 'GET') {
      const query = searchParams.get('sysparm_query') ?? ''
      fake.searches.push(query)
      const conditions = conditionsOf(query).filter(([field]) => isColumn(field))
      const found = [...fake.rows.values()].filter(
        (row) => fake.indexed && conditions.every(([field, value]) => row[field] === value),
      )
      const { headers, ...answer } = json(200, {
        result: fake.readable ? found.slice(-1).map(shown) : [],
      })
      return { ...answer, headers: { ...headers, 'x-total-count': String(found.length) } }
    }
    const sent = arrival.body.length === 0 ? {} : JSON.parse(arrival.body.toString())
    const fields: Record<string, string> = Object.fromEntries(
      Object.entries<string>(sent).filter(([name]) => isColumn(name)),
    )
    if (sysId === undefined && arrival.method === 'POST') {
      fake.made += 1
      const number = fake.made
      const id = String(number).padStart(32, '0')
      const row = {
        state: '1',
        ...fields,
        sys_id: id,
        number: `INC${String(number).padStart(7, '0')}`,
      }
      fake.rows.set(id, row)
      return json(201, { result: shown(row) })
    }
    const row = fake.readable ? fake.rows.get(sysId ?? '') : undefined
    if (row === undefined) return problem(404, 'No Record found')
    if (arrival.method === 'GET') return json(200, { result: shown(row) })
    if (fields.state === '6' && (!fields.close_code || !fields.close_notes)) {
      return problem(403, 'Data Policy Exception: close_code and close_notes are mandatory')
    }
    const notes = [row.work_notes, fields.work_notes].filter((note) => note !== undefined)
    Object.assign(row, fields, notes.length === 0 ? {} : { work_notes: notes.join('\n---\n') })
    return json(200, { result: shown(row) })
  }

  const receiver = await startReceiver((arrival) => {
    const answer = serve(arrival)
    const isWrite = arrival.url.startsWith('/api/') && arrival.method !== 'GET'
    const lost = isWrite && answer.status < 300 ? fake.lost.shift() : undefined
    return lost === undefined ? answer : { status: lost, body: '<html>Gateway time-out</html>' }
  })
  const fake: FakeServiceNow = Object.assign(receiver, {
    ...{ username, password, clientId, clientSecret },
    rows: new Map<string, Record<string, string>>(),
    searches: [],
    tokens: new Set<string>(),
    issued: 0,
    refusals: [],
    correlated: true,
    readable: true,
    indexed: true,
    made: 0,
    lost: [],
  })
  return fake
}
