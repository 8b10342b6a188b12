import type { Preset } from './preset.ts'

export const servicenow: Preset = {
  name: 'servicenow',
  title: 'ServiceNow outbound REST',
  docs: 'https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/outbound-rest/concept/c_OutboundRESTWebService.html',
  evidence: {
    checked: 'documentation',
    source: 'Outbound REST authentication',
    url: 'https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/outbound-rest/concept/c_OutboundRESTWebService.html',
  },
  schemes: [
    {
      name: 'basic',
      when: { header: 'authorization', begins: 'basic ' },
      secrets: { contains: ':' },
      verify: { scheme: 'basic' },
    },
    { name: 'bearer', verify: { scheme: 'bearer' } },
  ],
  // A record's id is the same for each of its changes; with the count of its changes it names one.
  deliveryId: {
    join: [{ body: 'sys_id' }, { body: 'sys_mod_count' }],
    with: ':',
    every: true,
  },
  idCovered: false,
  bodyCovered: false,
  type: {
    first: [{ body: 'event' }, { join: [{ body: 'sys_class_name' }, { body: 'operation' }] }],
  },
  defaultType: 'record',
  patienceMs: 10_000,
  keep: ['user-agent'],
  methods: ['PUT', 'PATCH'],
  secret: 'user:password of the basic auth profile, or the bearer token',
  notes: ['ServiceNow signs nothing: the credential itself comes with each request.'],
  samples: [
    {
      type: 'incident.update',
      body: {
        sys_id: '9d385017c611228701d22104cc95c371',
        sys_mod_count: '4',
        sys_class_name: 'incident',
        operation: 'update',
        number: 'INC0010023',
        short_description: 'Payments are failing',
        priority: '1',
        state: '2',
      },
    },
  ],
}
