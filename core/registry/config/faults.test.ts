import { describe, expect, test } from 'vitest'
import { configJsonSchema } from './index.ts'
import { check, components, places, warnings } from './testing.ts'

describe('faults', () => {
  test('are all told, each at its place', () => {
    const text = `tenants:
  Acme_1:
    sources:
      github:
        provider: gihtub
        secrets: [SECRET_VALUE]
        dedupe: { windw: 24h }
        rateLimit: { perSecond: fast }
        maxBody: 1MB
        ordering: a..b
      other:
        provider: github
        maxBody: 100MiB
      third: {}
    destinations:
      oncall:
        connector: slak
      second:
        connector: slack
        config: { chanel: "#x" }
        retry: { schedule: [5s, 5x], attempts: 0 }
      hook:
        connector: webhook
        config:
          url: example.com
          method: GET
          headers: { a: 1 }
        secrets: { sining: env:A }
        ordred: true
    routes:
      - name: one
        when: event.tpye == "a"
        to: [oncal]
      - name: one
        when: 'event.type =='
        to: [oncall, hook, second]
        transform: '{ "a": $lenght(data) }'
      - to: []
extra: 1
`
    expect(places(text)).toEqual([
      "2:3 BAD_NAME 'Acme_1' is not a DNS label",
      "5:19 UNKNOWN_PROVIDER there is no provider 'gihtub'; did you mean 'github'?",
      "6:19 BAD_SECRET 'secrets[0]' must be a reference: env:NAME or file:/absolute/path",
      "7:19 UNKNOWN_KEY 'windw' is not known here; did you mean 'window'?",
      "8:33 BAD_TYPE 'perSecond' must be a number, not a text",
      "9:18 BAD_SIZE 'maxBody' must be a size such as 64KiB or 1MiB",
      "10:20 BAD_PATH 'a..b' is not a JSON path: unexpected '..b' at 2",
      "11:7 MISSING_SECRET source 'other' needs a secret",
      "13:18 BAD_VALUE 'maxBody' must be from 1B to 7936KiB: a record has to fit into its topic",
      "14:7 MISSING_KEY a source needs 'provider', or a scheme under 'verify'",
      "17:20 UNKNOWN_CONNECTOR there is no connector 'slak'; did you mean 'slack'?",
      "18:7 MISSING_SECRET connector 'slack' needs the secret 'token'",
      "20:9 MISSING_KEY 'channel' is missing",
      "20:19 UNKNOWN_KEY 'chanel' is not known here; did you mean 'channel'?",
      "21:33 BAD_DURATION 'schedule[1]' must be a duration such as 250ms, 5s, 10m, 24h or 7d",
      "21:48 BAD_VALUE 'attempts': Too small: expected number to be >=1",
      "25:16 BAD_VALUE 'url': must start with http:// or https://",
      "26:19 BAD_VALUE 'method' must be POST or PUT",
      "27:25 BAD_TYPE 'a' must be a text, not a number",
      "28:20 UNKNOWN_KEY 'sining' is not known here; did you mean 'signing'?",
      "29:9 UNKNOWN_KEY 'ordred' is not known here; did you mean 'ordered'?",
      "32:20 BAD_CONDITION event has no field 'tpye'; did you mean 'type'?",
      "33:14 UNKNOWN_DESTINATION there is no destination 'oncal'; did you mean 'oncall'?",
      "34:15 DUPLICATE_KEY there is another route 'one' before",
      '35:27 BAD_CONDITION found = but expecting end of input',
      "37:28 BAD_TRANSFORM unknown function '$lenght'; did you mean '$length'?",
      "38:9 MISSING_KEY 'name' is missing",
      '38:9 MISSING_KEY \'when\' is missing; write when: "true" for every event',
      "38:13 BAD_VALUE 'to': Too small: expected array to have >=1 items",
      "39:1 UNKNOWN_KEY 'extra' is not known here",
    ])
    expect(check(text).objects).toEqual([])
  })

  test('never show a value that may be a secret', () => {
    const { faults } = check(
      'tenants: { acme: { sources: { a: { provider: svix, secrets: [hunter2hunter2] } } } }',
    )
    expect(faults).toHaveLength(1)
    expect(JSON.stringify(faults)).not.toContain('hunter2')
  })

  test.each([
    ['a: [1, 2', /^1:\d+ SYNTAX/],
    ['tenants:\n\tacme: {}', /^2:1 SYNTAX/],
    ['a: "x\nb: 1', /^\d+:\d+ SYNTAX/],
    ['tenants: {}\n---\ntenants: {}\n', /^3:1 SYNTAX a second document/],
    ['', /^1:1 BAD_TYPE/],
    ['- a', /^1:1 BAD_TYPE/],
    ['tenant: {}', /^1:1 UNKNOWN_KEY .*\n1:1 MISSING_KEY/],
    ['tenants: 5', /^1:10 BAD_TYPE/],
    ['tenants:\n  acme: {}\n  acme: {}\n', /^3:3 DUPLICATE_KEY/],
    ['tenants: &a {}\n', /^1:1\d ALIAS/],
    ['tenants: {}\nx: *a\n', /^2:1 UNKNOWN_KEY|^2:4 (ALIAS|SYNTAX)/],
    ['tenants:\n  acme:\n    <<: {}\n', /^3:5 ALIAS a merge key/],
    ['tenants: !x {}\n', /^1:1\d ALIAS a tag/],
    [
      'tenants:\n  acme:\n    routes: [{ name: a, to: [], when: true }]\n',
      /BAD_TYPE 'when' must be a text, not true or false/,
    ],
    ['tenants:\n  acme:\n    sources: { a: 5 }\n', /^3:19 BAD_TYPE 'a' must be a map/],
    [
      'tenants:\n  acme:\n    surces: {}\n',
      /^3:5 UNKNOWN_KEY 'surces' is not known here; did you mean 'sources'/,
    ],
    [
      'tenants: { a: { sources: { s: { verify: { scheme: hmca }, secrets: [env:A] } } } }',
      /^1:51 UNKNOWN_SCHEME/,
    ],
    [
      'tenants: { a: { sources: { s: { verify: { scheme: hmac }, secrets: [env:A] } } } }',
      /MISSING_KEY 'header'/,
    ],
    [
      'tenants: { a: { sources: { s: { provider: okta, verify: { hedder: x } } } } }',
      /UNKNOWN_KEY 'hedder'.*'header'/,
    ],
  ])('%j', (text, expected) => {
    expect(places(text).join('\n')).toMatch(expected)
  })

  test('say what a number without a unit is to be', () => {
    const text = `tenants:
  a:
    sources:
      s: { provider: github, secrets: [5], dedupe: { window: 300 }, maxBody: 1024 }
    destinations:
      d: { connector: bin, retry: { schedule: [5] } }
`
    expect(places(text).map((place) => place.replace(/ must.*/, ''))).toEqual([
      "4:40 BAD_SECRET 'secrets[0]'",
      "4:62 BAD_DURATION 'window'",
      "4:78 BAD_SIZE 'maxBody'",
      "6:48 BAD_DURATION 'schedule[0]'",
    ])
  })

  test('point into expressions however they are written', () => {
    const route = (when: string) =>
      `tenants:\n  a:\n    destinations: { d: { connector: bin } }\n    routes:\n      - name: r\n        to: [d]\n        when: ${when}\n`
    expect(places(route('evnt.type == "a"'))[0]).toMatch(/^7:15 /)
    expect(places(route(`'true && evnt.type == "it''s"'`))[0]).toMatch(/^7:24 /)
    expect(places(route(`'"it''s" == evnt.type'`))[0]).toMatch(/^7:27 /)
    expect(places(route('|\n          true &&\n          evnt.type == "a"'))[0]).toMatch(/^9:11 /)
    expect(places(route('|-\n\n          true &&\n            evnt.type == "a"'))[0]).toMatch(
      /^10:13 /,
    )
  })

  test.each([
    ['too large a file', `a: "${'x'.repeat(1_100_000)}"`, /^1:1 TOO_LARGE/],
    ['deep nesting', `tenants: ${'['.repeat(200)}${']'.repeat(200)}`, /TOO_LARGE nested/],
    ['very deep nesting', `tenants: ${'['.repeat(400_000)}`, /TOO_LARGE brackets/],
    ['many values', `tenants: [${'1,'.repeat(300_000)}]`, /TOO_LARGE the file holds too many/],
    ['an alias bomb', `a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\ntenants: *c\n`, /ALIAS/],
    [
      'a billion laughs',
      `a0: &a0 lol\n${Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n},`.repeat(9)}]`).join('\n')}\ntenants: *a30\n`,
      /ALIAS/,
    ],
    ['an alias of itself', 'tenants: &a\n  acme: *a\n', /ALIAS/],
    [
      'a merge of everything',
      `x: &x { a: 1 }\ntenants: { <<: [${'*x,'.repeat(5_000)}] }\n`,
      /ALIAS/,
    ],
    ['many anchors', `tenants: [${'&a 1,'.repeat(20_000)}]`, /ALIAS/],
    ['many documents', '---\n{}\n'.repeat(20_000), /SYNTAX a second document/],
    ['a long key', `? ${'k'.repeat(300_000)}\n: 1\n`, /UNKNOWN_KEY|TOO_LARGE/],
    ['one byte too many', `tenants: {}\n${'#'.repeat(1_048_576 - 12)}\n`, /^1:1 TOO_LARGE/],
  ])('F88: %s is refused, soon', (_, text, expected) => {
    // Of this process alone: others of a busy machine have no part in it.
    const before = process.cpuUsage()
    expect(places(text).join('\n')).toMatch(expected)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(1_500)
  })

  test('hostile names are names like any other', () => {
    expect(places('tenants: { __proto__: { x: 1 } }\n')).toEqual([
      "1:12 BAD_NAME '__proto__' is not a DNS label",
      "1:25 UNKNOWN_KEY 'x' is not known here",
    ])
    expect(
      places('tenants: { constructor: { sources: { toString: { provider: svix } } } }'),
    ).toEqual([expect.stringMatching(/toString' is not a DNS label/)])
  })
})

test('warnings do not fail a check', () => {
  const text = `tenants:
  acme:
    sources:
      a: { provider: svix, secrets: ["plain:whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] }
    destinations:
      used: { connector: bin, retry: { attempts: 9, schedule: [5s] } }
      unused: { connector: bin }
    routes:
      - { name: all, when: "true", to: [used], stop: true }
      - { name: never, when: "true", to: [used] }
`
  expect(warnings(text)).toEqual([
    '4:38 PLAIN_SECRET',
    '6:50 BAD_VALUE',
    '7:7 UNUSED_DESTINATION',
    '10:17 UNREACHABLE_ROUTE',
  ])
  expect(check(text).faults).toEqual([])
  expect(check(text).objects).toHaveLength(5)
  expect(JSON.stringify(check(text).warnings)).not.toContain('whsec_')
})

test('the JSON Schema holds what the components declare', () => {
  const text = JSON.stringify(configJsonSchema(components))
  expect(text).toContain('"const":"slack"')
  expect(text).toContain('"svix"')
  expect(text).toContain('Bot token')
  expect(JSON.parse(text)).toMatchObject({ type: 'object', required: ['tenants'] })
})
