import type { Status } from '../facts.ts'
import type { Mapping } from '../mapping.ts'

const mailResults: Readonly<Record<string, Status>> = {
  processed: 'in_progress',
  deferred: 'in_progress',
  delivered: 'succeeded',
  open: 'succeeded',
  click: 'succeeded',
  bounce: 'failed',
  dropped: 'failed',
  blocked: 'failed',
  spamreport: 'failed',
}

/** A batch of mail events: the worst one speaks for all. */
export const sendgrid: Mapping = {
  provider: 'sendgrid',
  detect: [[{ path: '0.sg_event_id' }], [{ path: '0.sg_message_id' }, { path: '0.event' }]],
  kinds: [
    {
      kind: 'mail_events',
      when: { path: '0.event' },
      title: [
        { when: { path: '1' }, template: 'Mail {0.event} and more, to {0.email}' },
        { template: 'Mail {0.event}, to {0.email}' },
      ],
      fingerprint: [{ path: '0.sg_message_id' }],
    },
  ],
  facts: {
    severity: {
      path: '*.event',
      map: {
        spamreport: 'medium',
        bounce: 'medium',
        dropped: 'medium',
        blocked: 'medium',
        deferred: 'low',
        unsubscribe: 'low',
        group_unsubscribe: 'low',
        processed: 'info',
        delivered: 'info',
        open: 'info',
        click: 'info',
        group_resubscribe: 'info',
      },
    },
    category: { value: 'message' },
    status: [
      { when: { path: '1', absent: true }, path: '0.event', map: mailResults },
      { value: 'unknown' },
    ],
    resource: { path: '0.email' },
    count: '',
  },
}
