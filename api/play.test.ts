import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { createBins } from '../connectors/bin/store.ts'
import type { AdminApp } from './app.ts'
import { play } from './play.ts'

const app = new Hono() as unknown as AdminApp
play(app, createBins())
const make = async (headers: Record<string, string>) =>
  app.request('http://127.0.0.1:8081/play', { method: 'POST', headers })

it.each<Record<string, string>>([
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:9999' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
])('makes no bin for a page of somebody else: %o', async (headers) => {
  const refused = await make(headers)
  expect(refused.status).toBe(403)
  expect(refused.headers.get('content-type')).toBe('application/problem+json')
  expect(await refused.json()).toMatchObject({ code: 'ZENHOOK_API_FORBIDDEN_ORIGIN', status: 403 })
})

it.each<Record<string, string>>([
  {},
  { origin: 'http://127.0.0.1:8081', 'sec-fetch-site': 'same-origin' },
  { origin: 'https://127.0.0.1:8081' },
  { 'sec-fetch-site': 'none' },
])('makes one for whoever is asked by nobody else: %o', async (headers) => {
  expect((await make(headers)).status).toBe(201)
})
