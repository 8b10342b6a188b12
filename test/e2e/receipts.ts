import { createHash } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import type { Story, StoryDispatch } from '../../core/decisions/story.ts'
import type { Draft } from '../../ingress/verifiers/index.ts'
import { presetNamed } from '../../ingress/verifiers/index.ts'
import { expectations } from '../../processors/enrich/expected.ts'
import type { Arrival } from '../fakes/index.ts'
import type { Delivery, Outcome } from './outcomes.ts'
import type { Rig } from './rig.ts'

/** One payload on its way: what was sent, and what is told of it. */
export interface Journey {
  outcome: Outcome
  draft: Draft
  id: string
  story: Story
}

interface Told {
  title: string
  resource: string
}

const told = new Map<string, Told>(
  expectations
    .trim()
    .split('\n')
    .map((line) => {
      const [file = '', , , , , resource = '', , title = ''] = line
        .split('|')
        .map((cell) => cell.trim())
      return [file, { title, resource }]
    }),
)

const toldOf = (file: string): Told => {
  const found = told.get(file)
  if (found === undefined) throw new Error(`nothing is expected of ${file}`)
  return found
}

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const clipped = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`

const only = <T>(found: readonly T[], what: string): T => {
  expect(found, what).toHaveLength(1)
  const [one] = found
  if (one === undefined) throw new Error(what)
  return one
}

const headerOf = ({ headers }: Draft, name: string): string | undefined =>
  headers.find(([each]) => each.toLowerCase() === name)?.[1]

/** Slack shows the title, and says of which dispatch it is. */
const checkMessage = ({ outcome, id }: Journey, dispatch: StoryDispatch, rig: Rig): void => {
  const own = rig.fakes.slack.messages.filter(({ payload }) =>
    JSON.stringify(payload.metadata ?? {}).includes(dispatch.id),
  )
  const { channel, payload, ts } = only(own, `${outcome.file}: one message`)
  expect(channel).toBe('#oncall')
  expect(payload.text).toContain(escaped(toldOf(outcome.file).title))
  expect(payload.metadata).toEqual({
    event_type: 'zenhook_event',
    event_payload: { dispatch_id: dispatch.id, event_id: id },
  })
  expect(dispatch.attempts[0]?.externalId).toBe(ts)
}

/** The route's transform made the whole payload of the incoming webhook. */
const checkText = ({ outcome: { file, type } }: Journey, rig: Rig): void => {
  const text = `Money: ${toldOf(file).title} (${type})`
  const own = rig.fakes.slack.messages.filter(({ payload }) => payload.text === text)
  const { channel, payload } = only(own, `${file}: one message that says ${text}`)
  expect(channel).toBe('hook')
  expect(payload).toEqual({ text })
}

const checkIncident = (journey: Journey, dispatch: StoryDispatch, effect: string, rig: Rig) => {
  const { outcome, id } = journey
  const row = rig.fakes.servicenow.rows.get(dispatch.attempts[0]?.externalId ?? '')
  expect(row, `${outcome.file}: an incident`).toMatchObject({
    short_description: clipped(toldOf(outcome.file).title, 160),
    correlation_id: expect.stringMatching(/^zenhook-[0-9a-f]{32}$/),
    correlation_display: 'Zenhook',
    assignment_group: 'Operations',
  })
  if (effect === 'created') {
    expect(row?.description).toContain(id)
    expect(row?.urgency).toBe('1')
    expect(row?.impact).toBe(outcome.facts.severity === 'critical' ? '1' : '2')
  } else {
    expect(row).toMatchObject({ state: '6', close_code: 'Solution provided' })
    expect(row?.close_notes).toContain(id)
  }
  const delivered = journey.story.decisions.find(
    ({ stage, dispatchId }) => stage === 'deliver' && dispatchId === dispatch.id,
  )
  expect(delivered?.details).toMatchObject({ action: effect })
}

const checkIssue = ({ outcome, id }: Journey, dispatch: StoryDispatch, rig: Rig): void => {
  const issue = rig.fakes.jira.issues.get(dispatch.attempts[0]?.externalId ?? '')
  expect(issue, `${outcome.file}: an issue`).toMatchObject({
    category: 'new',
    comments: [],
    fields: {
      summary: toldOf(outcome.file).title,
      project: { key: 'OPS' },
      issuetype: { name: 'Bug' },
      labels: ['zenhook', expect.stringMatching(/^zenhook-[0-9a-f]{24}$/)],
    },
  })
  expect(JSON.stringify(issue?.fields.description)).toContain(id)
}

/** Standard Webhooks' own library holds the message genuine with every live secret. */
const checkSigned = (arrival: Arrival, secrets: readonly string[]): void => {
  for (const secret of secrets) {
    const verified = (): unknown =>
      new Webhook(secret).verify(arrival.body.toString(), { ...arrival.headers })
    const isJson = arrival.headers['content-type'] !== 'application/x-www-form-urlencoded'
    // The library parses what it has verified, and a form is no JSON.
    if (isJson) verified()
    else expect(verified).toThrow(SyntaxError)
  }
}

/** What of the provider's headers goes on; never a credential. */
const checkSourceHeaders = ({ outcome: { auth }, draft }: Journey, arrival: Arrival): void => {
  const prefix = 'zenhook-source-'
  const sent = Object.keys(arrival.headers).filter((name) => name.startsWith(prefix))
  const keep = 'preset' in auth ? presetNamed(auth.preset).keep : []
  const expected = keep.filter((name) => headerOf(draft, name) !== undefined)
  for (const name of expected) expect(arrival.headers[prefix + name]).toBe(headerOf(draft, name))
  // `user-agent` is set by the client that posts, beside the draft.
  const rest = sent.map((name) => name.slice(prefix.length)).filter((name) => name !== 'user-agent')
  expect(rest.sort()).toEqual([...expected].sort())
}

const checkWebhook = (journey: Journey, dispatch: StoryDispatch, effect: string, rig: Rig) => {
  const { outcome, draft, id } = journey
  const own = rig.fakes.webhook.arrivals.filter(
    ({ headers }) => headers['webhook-id'] === dispatch.id,
  )
  const arrival = only(own, `${outcome.file}: one webhook`)
  expect(arrival.method).toBe('POST')
  expect(arrival.url).toBe(`/${dispatch.destination}`)
  expect(arrival.headers).toMatchObject({
    'zenhook-event-id': id,
    'zenhook-event-type': outcome.type,
    'zenhook-hops': '1',
  })
  checkSigned(arrival, effect === 'bytes' ? rig.signing : rig.signing.slice(0, 1))
  checkSourceHeaders(journey, arrival)
  if (effect === 'bytes') {
    expect(arrival.digest, `${outcome.file}: the bytes that were verified`).toBe(
      createHash('sha256').update(draft.body).digest('hex'),
    )
    expect(arrival.headers['content-type']).toBe(headerOf(draft, 'content-type'))
    expect(arrival.headers['x-team']).toBe('platform')
  } else {
    const { title, resource } = toldOf(outcome.file)
    const from = 'preset' in outcome.auth ? outcome.auth.preset : 'token'
    const made = { what: title, where: resource, from, state: outcome.facts.status }
    expect(JSON.parse(arrival.body.toString())).toEqual(made)
    expect(arrival.headers['content-type']).toBe('application/json')
  }
}

/** That a delivery had its effect at the receiver, and once. */
export const checkDelivery = (journey: Journey, delivery: Delivery, rig: Rig): void => {
  const { outcome, story } = journey
  const { route, destination, effect } = delivery
  const found = story.dispatches.filter((each) => each.destination === destination)
  const dispatch = only(found, `${outcome.file}: one dispatch to ${destination}`)
  expect(dispatch).toMatchObject({ route, status: 'delivered', run: 'live' })
  const attempt = only(dispatch.attempts, `${outcome.file}: one attempt at ${destination}`)
  expect(attempt.outcome).toBe('delivered')
  expect(Math.floor((attempt.status ?? 0) / 100), `${outcome.file}: ${attempt.status}`).toBe(2)
  if (effect === 'message') checkMessage(journey, dispatch, rig)
  else if (effect === 'text') checkText(journey, rig)
  else if (destination === 'tickets') checkIncident(journey, dispatch, effect, rig)
  else if (destination === 'findings') checkIssue(journey, dispatch, rig)
  else checkWebhook(journey, dispatch, effect, rig)
}

/** How much the receivers have seen: what must not grow when everything comes a second time. */
export const seenBy = ({ fakes }: Rig): Record<string, number> => ({
  messages: fakes.slack.messages.length,
  incidents: fakes.servicenow.rows.size,
  servicenow: fakes.servicenow.arrivals.length,
  issues: fakes.jira.issues.size,
  jira: fakes.jira.arrivals.length,
  webhooks: fakes.webhook.arrivals.length,
})
