import { existsSync, readFileSync } from 'node:fs'
import type { JWK } from 'jose'
import { describe, expect, it } from 'vitest'
import { algorithms, verifyJws } from './jws.ts'

interface Group {
  comment: string
  public?: JWK
  private: JWK
  tests: { tcId: number; comment: string; jws: string; result: string }[]
}

const file = new URL('../../../../shared/vectors/wycheproof-jws.json', import.meta.url)

describe('F51: Wycheproof JSON Web Signature vectors', () => {
  if (!existsSync(file)) {
    it.skip('skipped: the vectors are not beside the repository', () => undefined)
    return
  }
  const suite = JSON.parse(readFileSync(file, 'utf8')) as {
    numberOfTests: number
    testGroups: Group[]
  }
  const cases = suite.testGroups.flatMap((group) =>
    group.tests.map((test) => ({
      ...test,
      group: group.comment,
      key: group.public ?? group.private,
    })),
  )

  // The suite contradicts itself or RFC 7515 in four places; we keep to the RFC.
  const contradictions = new Map([
    [367, 'the same token and key as 357, which is valid'],
    [370, 'the same token and key as 357, which is valid'],
    [372, 'a character outside the base64url alphabet in the header, which RFC 7515 forbids'],
    [373, 'a character outside the base64url alphabet in the payload, which RFC 7515 forbids'],
  ])

  it('come out as they say', async () => {
    const wrong: number[] = []
    for (const { tcId, jws, key, result } of cases) {
      const verdict = await verifyJws(jws, [key], algorithms)
      if (verdict.ok !== (result === 'valid')) wrong.push(tcId)
    }
    expect(wrong).toEqual([...contradictions.keys()])
    expect(cases).toHaveLength(suite.numberOfTests)
  })

  it('contradict themselves where we differ', () => {
    const [valid, ...copies] = [357, 367, 370].map((id) => cases.find(({ tcId }) => tcId === id))
    for (const copy of copies) expect([copy?.jws, copy?.key]).toEqual([valid?.jws, valid?.key])
    for (const id of [372, 373])
      expect(cases.find(({ tcId }) => tcId === id)?.jws).toMatch(/[^\w.-]/)
  })
})
