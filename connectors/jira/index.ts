import { defineConnector } from '../define.ts'
import { clipped, objectOf, type Summary, summaryOf } from '../facts.ts'
import { createLinks, findLinked, makeLinked, noted } from '../links.ts'
import type { Attempt, AttemptResult, ConnectorContext } from '../types.ts'
import { adfOf, adfOfText } from './adf.ts'
import { createJiraClient, type Issue, type JiraClient, type Outcome } from './client.ts'
import { type JiraConfig, jiraSpec } from './spec.ts'

export { jqlString } from './client.ts'
export { jiraSpec } from './spec.ts'

type Fields = Readonly<Record<string, unknown>>

const fieldsOf = (
  config: JiraConfig,
  attempt: Attempt,
  summary: Summary,
  label: string,
): Fields => {
  const { dispatch } = attempt
  // A transform gives fields as the REST API takes them, or text for the description.
  const { description, ...made } = objectOf(attempt.transformed) ?? {}
  const labels = Array.isArray(made.labels) ? made.labels : []
  const words = typeof attempt.transformed === 'string' ? attempt.transformed : description
  return {
    summary: clipped(summary.title.replace(/\s+/g, ' '), 250),
    description:
      typeof words === 'string'
        ? adfOfText(words)
        : (description ?? adfOf(summary, { event: dispatch.event.id, dispatch: dispatch.id })),
    ...config.fields,
    ...made,
    project: { key: config.project },
    issuetype: { name: config.issueType },
    labels: [...labels, 'zenhook', label],
  }
}

/** Issues in Jira, one per fingerprint. */
export const jira = defineConnector(jiraSpec, (config, { destination, kv, now }) => {
  const { tenant, name } = destination
  const links = createLinks(kv, `jira:${tenant}/${name}`, now)

  /** Moves, then comments: each step once per dispatch, however many attempts it takes. */
  const follow = async (
    client: JiraClient,
    attempt: Attempt,
    summary: Summary,
    issue: Issue,
  ): Promise<AttemptResult> => {
    const { dispatch } = attempt
    let action = 'commented'
    let status = 200
    let mark: { possibleDuplicate?: true } = {}
    if (summary.over !== issue.done) {
      const categories = summary.over ? ['done'] : ['new', 'indeterminate']
      const moved = await client.transition(issue.key, categories)
      if ('failed' in moved) return moved.failed
      if (!moved.ok) {
        const error = `The workflow has no transition from here to ${categories.join(' or ')}`
        return { kind: 'failed', reason: 'no_transition', retriable: false, error }
      }
      action = summary.over ? 'resolved' : 'reopened'
    }
    if (!(await links.isDone(attempt, 'comment'))) {
      const ids = { event: dispatch.event.id, dispatch: dispatch.id }
      const body =
        typeof attempt.transformed === 'string'
          ? adfOfText(attempt.transformed)
          : adfOf(summary, ids)
      const said = await client.comment(issue.key, body)
      if ('failed' in said) return said.failed
      status = said.status
      mark = await noted(() => links.done(attempt, 'comment'))
    }
    return { kind: 'delivered', status, ...mark, externalId: issue.key, details: { action } }
  }

  /** The issue of the fingerprint as it stands, or `undefined` where one must be made. */
  const find = async (
    client: JiraClient,
    known: string | undefined,
    label: string,
  ): Promise<Outcome<Issue | undefined>> => {
    if (known !== undefined) {
      const seen = await client.issue(known)
      if ('failed' in seen || seen.ok !== undefined) return seen
    }
    return client.search(config.project, label)
  }

  const deliver = async (
    attempt: Attempt,
    signal: AbortSignal,
    context: ConnectorContext,
  ): Promise<AttemptResult> => {
    const { dispatch } = attempt
    const [[email], [token]] = await Promise.all([
      context.secrets('email'),
      context.secrets('token'),
    ])
    const basic = Buffer.from(`${email ?? ''}:${token ?? ''}`).toString('base64')
    const client = createJiraClient(context, config.baseUrl, `Basic ${basic}`, signal)
    const summary = summaryOf(attempt)
    const label = `zenhook-${context.hash(summary.fingerprint).slice(0, 24)}`

    const wanted = { owner: dispatch.id, makes: !summary.over }
    const linked = await findLinked(links, label, wanted, context, signal, (known) =>
      find(client, known, label),
    )
    if ('failed' in linked) return linked.failed
    const { found: issue, taken } = linked
    if (issue !== undefined) {
      if (issue.key !== taken.id) await links.bind(label, issue.key, taken)
      return follow(client, attempt, summary, issue)
    }
    if (taken.id !== undefined) {
      // Deleted, or hidden from the account: the same answer. The link stays, for hidden issues come back.
      return { kind: 'delivered', externalId: taken.id, details: { action: 'gone' } }
    }
    if (summary.over) {
      await links.release(label, taken)
      return { kind: 'delivered', details: { action: 'none' } }
    }
    const created = await makeLinked(links, label, taken, () =>
      client.create(fieldsOf(config, attempt, summary, label)),
    )
    if ('failed' in created) return created.failed
    const { status, ok: externalId } = created
    const mark = await noted(async () => {
      if (externalId !== undefined) await links.bind(label, externalId, taken)
      // The description says all that a comment would: a later attempt need not repeat it.
      await links.done(attempt, 'comment')
    })
    return {
      kind: 'delivered',
      status,
      ...mark,
      ...(externalId !== undefined && { externalId }),
      details: { action: 'created' },
    }
  }

  return { deliver }
})
