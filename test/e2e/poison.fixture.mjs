/**
 * Loaded before the product: the process is killed whenever a stage reads, or a connector signs, a body
 * with the word for it. Each death is a line of the file in `POISON_DEATHS`.
 */
import { Hmac } from 'node:crypto'
import { appendFileSync } from 'node:fs'

Error.stackTraceLimit = 50

const dieOf = (text, word, folder) => {
  if (!text.includes(word) || !new Error().stack?.includes(folder)) return
  appendFileSync(process.env.POISON_DEATHS ?? '', `${word}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const { parse } = JSON
JSON.parse = (text, ...rest) => {
  if (typeof text === 'string') dieOf(text, 'poison-for-stages', '/processors/')
  return parse(text, ...rest)
}

const { update } = Hmac.prototype
Hmac.prototype.update = function (data, ...rest) {
  dieOf(Buffer.from(data).toString('latin1'), 'poison-for-connectors', '/connectors/')
  return update.call(this, data, ...rest)
}
