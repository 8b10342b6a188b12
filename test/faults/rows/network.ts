import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { answersAll, type Row } from '../row.ts'
import { api, failProduce } from '../wire.ts'

const minute = 60_000

const badNetwork: Row = {
  ids: ['F09'],
  title: 'the network to the brokers is slow, resets connections, and goes silent',
  limitMs: { ci: 6 * minute, full: 8 * minute, soak: 0 },
  async run({ rig, pick, load, holds }) {
    await rig.restart({ wired: true })
    const { wire } = rig
    const eachMs = pick(6_000, minute)
    const sending = load()
    await sleep(1_000)
    wire.delayMs = 150
    await sleep(eachMs)
    wire.delayMs = 0
    let frames = 0
    // One message of twenty takes its connection with it.
    wire.rule = () => (++frames % 20 === 0 ? 'cut' : 'pass')
    await sleep(eachMs)
    wire.rule = undefined
    // Half-open: both ends believe in a connection that carries nothing.
    wire.silent = true
    await sleep(eachMs)
    wire.silent = false
    const healedAt = performance.now()
    wire.cutAll()
    await sleep(pick(5_000, 30_000))
    const lines = await sending.stop()
    await holds('300 ms to the brokers and back, then 5 % resets, then silence', lines, {
      faultMs: 3 * eachMs,
      notes: { messages: frames },
    })
    answersAll(sending)
    // No producer is stuck: what came last went to the log as before.
    const after = lines.filter(({ sentAt, forged }) => !forged && sentAt > healedAt + 3_000)
    expect(after.length).toBeGreaterThan(0)
  },
}

/** OUT_OF_ORDER_SEQUENCE_NUMBER, UNKNOWN_PRODUCER_ID, INVALID_PRODUCER_EPOCH, PRODUCER_FENCED */
const codes = [45, 59, 47, 90]

const fenced: Row = {
  ids: ['F10'],
  title: 'brokers say that producers are out of order, unknown or fenced',
  limitMs: { ci: 6 * minute, full: 6 * minute, soak: 0 },
  async run({ rig, checker, pick, load, holds }) {
    await rig.restart({ wired: true })
    const sending = load()
    await sleep(1_000)
    let answers = 0
    let refused = 0
    rig.wire.rule = (frame) => {
      if (frame.direction !== 'response' || frame.api !== api.produce) return 'pass'
      answers += 1
      const code = codes[Math.floor(answers / 5) % codes.length]
      // The records are stored: what the producer hears says otherwise.
      if (answers % 5 === 0 && code !== undefined && failProduce(frame.bytes, code)) refused += 1
      return 'pass'
    }
    await sleep(pick(10_000, 2 * minute))
    rig.wire.rule = undefined
    await sleep(2_000)
    const lines = await sending.stop()
    await holds('one produce answer of five says 45, 59, 47 or 90', lines, { notes: { refused } })
    answersAll(sending)
    expect(refused).toBeGreaterThan(10)
    // Appended again under the same id: or none of these answers met an event.
    expect(lines.some(({ mark }) => checker.copies(mark) > 1)).toBe(true)
  },
}

export const networkRows: readonly Row[] = [badNetwork, fenced]
