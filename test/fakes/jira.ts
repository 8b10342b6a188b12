import { type Answer, type Arrival, type Receiver, startReceiver } from './receiver.ts'

export interface FakeIssue {
  key: string
  fields: Record<string, unknown>
  /** Category of its status. */
  category: 'new' | 'indeterminate' | 'done'
  comments: unknown[]
}

export interface FakeJira extends Receiver {
  readonly email: string
  readonly token: string
  readonly issues: Map<string, FakeIssue>
  /** JQL of the searches, as they came. */
  readonly searches: string[]
  /** The index of the search knows issues made before; false: it lags behind. */
  indexed: boolean
  /** The workflow has no way to "done". */
  noWayOut: boolean
  /** Issues made so far: no key is given twice. */
  made: number
  /** Statuses with which a gateway answers the next writes, after they had their effect. */
  readonly lost: number[]
}

const json = (status: number, body: object): Answer => ({
  status,
  headers: { 'content-type': 'application/json;charset=UTF-8' },
  body: JSON.stringify(body),
})
const empty: Answer = { status: 204 }
const problem = (status: number, message: string, errors: object = {}): Answer =>
  json(status, { errorMessages: message === '' ? [] : [message], errors })

/** What a JQL string literal says; the fake understands `labels = "…"` alone. */
const labelOf = (jql: string): string | undefined => {
  const literal = /labels = ("(?:[^"\\]|\\.)*")/.exec(jql)?.[1]
  return literal === undefined ? undefined : String(JSON.parse(literal))
}

const isDocument = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Reflect.get(value, 'type') === 'doc'

/** Jira Cloud's REST API v3: issues, comments, transitions, search. */
export const startFakeJira = async (): Promise<FakeJira> => {
  const email = 'bot@acme.test'
  const token = 'genuine'
  const authorization = `Basic ${Buffer.from(`${email}:${token}`).toString('base64')}`

  const create = (fields: Record<string, unknown>): Answer => {
    const errors: Record<string, string> = {}
    if (typeof fields.summary !== 'string' || fields.summary === '') {
      errors.summary = 'You must specify a summary of the issue.'
    }
    if (/[\r\n]/.test(String(fields.summary))) {
      errors.summary = 'The summary is invalid because it contains newline characters.'
    }
    if (!isDocument(fields.description)) {
      errors.description = 'Operation value must be an Atlassian Document'
    }
    if (Reflect.get(Object(fields.project), 'key') !== 'OPS') {
      errors.project = 'valid project is required'
    }
    if (Object.keys(errors).length > 0) return problem(400, '', errors)
    fake.made += 1
    const number = fake.made
    const key = `OPS-${number}`
    fake.issues.set(key, { key, fields, category: 'new', comments: [] })
    return json(201, {
      id: String(10_000 + number),
      key,
      self: `${fake.url}/rest/api/3/issue/${key}`,
    })
  }

  const shown = ({ key, category }: FakeIssue): object => ({
    key,
    fields: { status: { name: category, statusCategory: { key: category } } },
  })

  const ofIssue = (issue: FakeIssue, rest: string, arrival: Arrival, body: unknown): Answer => {
    if (rest === '' && arrival.method === 'GET') return json(200, shown(issue))
    if (rest === '/comment' && arrival.method === 'POST') {
      const comment: unknown = Reflect.get(Object(body), 'body')
      if (!isDocument(comment)) return problem(400, 'Comment body is not valid!')
      issue.comments.push(comment)
      return json(201, { id: String(issue.comments.length) })
    }
    const ways = (['new', 'indeterminate', 'done'] as const)
      .filter((category) => category !== issue.category && !(category === 'done' && fake.noWayOut))
      .map((category, index) => ({ id: String(11 + index), category }))
    if (rest === '/transitions' && arrival.method === 'GET') {
      const transitions = ways.map(({ id, category }) => ({
        id,
        name: `to ${category}`,
        to: { statusCategory: { key: category } },
      }))
      return json(200, { transitions })
    }
    if (rest === '/transitions' && arrival.method === 'POST') {
      const id = Reflect.get(Object(Reflect.get(Object(body), 'transition')), 'id')
      const way = ways.find((one) => one.id === id)
      if (way === undefined)
        return problem(
          400,
          'It seems that you have tried to perform a workflow operation that is not valid',
        )
      issue.category = way.category
      return empty
    }
    return problem(405, 'Method not allowed')
  }

  const noIssue = problem(404, 'Issue does not exist or you do not have permission to see it.')
  const searchPath = '/search/jql'

  /** What somebody sees whose credentials are not accepted: the site as it is for everybody. */
  const forStrangers = (path: string, { method }: Arrival): Answer => {
    if (path === searchPath) return json(200, { issues: [], isLast: true })
    return method === 'GET'
      ? noIssue
      : problem(401, 'Client must be authenticated to access this resource.')
  }

  const serve = (path: string, arrival: Arrival): Answer => {
    const body: unknown = arrival.body.length === 0 ? {} : JSON.parse(arrival.body.toString())
    if (path === '/issue' && arrival.method === 'POST') {
      return create(Object(Reflect.get(Object(body), 'fields')) as Record<string, unknown>)
    }
    if (path === searchPath) {
      const jql = String(Reflect.get(Object(body), 'jql'))
      fake.searches.push(jql)
      const label = labelOf(jql)
      if (label === undefined) return problem(400, 'Error in the JQL Query')
      const found = [...fake.issues.values()].filter(
        ({ fields }) =>
          fake.indexed && Array.isArray(fields.labels) && fields.labels.includes(label),
      )
      return json(200, { issues: found.slice(-1).map(shown), isLast: true })
    }
    const [, key = '', rest = ''] = /^\/issue\/([^/]+)(\/.*)?$/.exec(path) ?? []
    const issue = fake.issues.get(decodeURIComponent(key))
    return issue === undefined ? noIssue : ofIssue(issue, rest, arrival, body)
  }

  const receiver = await startReceiver((arrival) => {
    const path = new URL(arrival.url, 'http://jira.test').pathname.replace('/rest/api/3', '')
    const known = arrival.headers.authorization === authorization
    const answer = known ? serve(path, arrival) : forStrangers(path, arrival)
    const lost =
      arrival.method === 'GET' || path === searchPath || answer.status >= 300
        ? undefined
        : fake.lost.shift()
    if (lost !== undefined) return { status: lost, body: '<html>Gateway time-out</html>' }
    const login = { 'x-seraph-loginreason': known ? 'OK' : 'AUTHENTICATED_FAILED' }
    return { ...answer, headers: { ...answer.headers, ...login } }
  })
  const fake: FakeJira = Object.assign(receiver, {
    email,
    token,
    issues: new Map<string, FakeIssue>(),
    searches: [],
    indexed: true,
    noWayOut: false,
    made: 0,
    lost: [],
  })
  return fake
}
