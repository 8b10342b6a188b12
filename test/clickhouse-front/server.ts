/**
 * The child of `startClickHouseFront`: ClickHouse's HTTP interface over chdb, as far as its official
 * client uses it. `node --import tsx server.ts FOLDER PORT`; says `listening PORT` on standard output.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gunzipSync, gzipSync } from 'node:zlib'
import { type RawInsertFormat, Session } from 'chdb'

const [folder = '', port = '0'] = process.argv.slice(2)
const session = new Session(folder)

const read = async (request: IncomingMessage): Promise<Buffer> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
}

type Form = ReadonlyMap<string, string>

/** Fields of the URL and of a form in the body. */
const formOf = async (request: IncomingMessage, url: URL, body: Buffer): Promise<Form> => {
  const fields = new Map(url.searchParams)
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) return fields
  const parts = await new Response(new Uint8Array(body), {
    headers: { 'content-type': type },
  }).formData()
  for (const [name, value] of parts) if (typeof value === 'string') fields.set(name, value)
  return fields
}

/** Values of `param_…` come escaped as in TabSeparated. */
const unescaped = (text: string): string =>
  text.replace(
    /\\(.)/gs,
    (_, char: string) => ({ n: '\n', t: '\t', r: '\r', '0': '\0' })[char] ?? char,
  )

/** Elements of `['a','b']`. */
const elements = (text: string): string[] =>
  [...text.matchAll(/'((?:[^'\\]|\\.)*)'/gs)].map(([, inner = '']) => unescaped(inner))

const parametersOf = (form: Form, sql: string): Record<string, unknown> => {
  const parameters: Record<string, unknown> = {}
  for (const [name, value] of form) {
    if (!name.startsWith('param_')) continue
    const key = name.slice('param_'.length)
    const isArray = new RegExp(`\\{\\s*${key}\\s*:\\s*Array\\(`).test(sql)
    parameters[key] = isArray ? elements(value) : unescaped(value)
  }
  return parameters
}

/** Parameters of a URL that are no settings. */
const known = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'session_id',
  'enable_http_compression',
])

const settingsOf = (url: URL): string => {
  const settings = [...url.searchParams].filter(
    ([name]) => !known.has(name) && /^[a-z_0-9]+$/.test(name) && !/^(param|http)_/.test(name),
  )
  return settings
    .map(([name, value]) => `${name} = '${value.replace(/[\\']/g, '\\$&')}'`)
    .join(', ')
}

const insertion =
  /^\s*INSERT\s+INTO\s+([\w.`]+)\s*(?:\(([^)]*)\))?\s*(?:SETTINGS .*?)?FORMAT\s+(\w+)\s*$/is

const insert = async (sql: string, values: Buffer): Promise<boolean> => {
  const [, table, columns, format] = insertion.exec(sql) ?? []
  if (table === undefined || format === undefined) return false
  await session.insert({
    table,
    values,
    format: format as RawInsertFormat,
    ...(columns && { columns: columns.split(',').map((name) => name.trim().replaceAll('`', '')) }),
  })
  return true
}

const query = async (sql: string, url: URL, form: Form): Promise<string> => {
  const [, text = sql, format = url.searchParams.get('default_format') ?? 'TabSeparated'] =
    /^([\s\S]*?)\s+FORMAT\s+(\w+)\s*;?\s*$/i.exec(sql) ?? []
  const settings = settingsOf(url)
  const isSelect = /^[\s(]*(SELECT|WITH)\b/i.test(text)
  const full =
    isSelect && settings !== '' && !/\bSETTINGS\b/.test(text)
      ? `${text} SETTINGS ${settings}`
      : text
  const parameters = parametersOf(form, full)
  const result =
    Object.keys(parameters).length === 0
      ? await session.queryAsync(full, { format })
      : await session.queryBindAsync(full, parameters, { format })
  return result.text()
}

const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const url = new URL(request.url ?? '/', 'http://front')
  const body = await read(request)
  const send = (status: number, text: string, headers: Record<string, string> = {}): void => {
    const zip =
      url.searchParams.get('enable_http_compression') === '1' &&
      request.headers['accept-encoding']?.includes('gzip') === true
    const payload = zip ? gzipSync(text) : Buffer.from(text)
    response.writeHead(status, {
      ...headers,
      'content-length': String(payload.length),
      'x-clickhouse-query-id': url.searchParams.get('query_id') ?? 'none',
      ...(zip && { 'content-encoding': 'gzip' }),
    })
    response.end(payload)
  }
  if (url.pathname === '/ping') return send(200, 'Ok.\n')
  const inUrl = url.searchParams.get('query')
  try {
    if (inUrl !== null && (await insert(inUrl, body))) return send(200, '')
    const form = await formOf(request, url, body)
    send(200, await query(form.get('query') ?? body.toString(), url, form))
  } catch (error) {
    const code =
      error instanceof Error ? String(Reflect.get(error, 'clickhouseCode') ?? 1002) : '1002'
    const message = error instanceof Error ? error.message : String(error)
    send(code === '60' ? 404 : 400, `${message} (version 26.7.2.1)\n`, {
      'x-clickhouse-exception-code': code,
    })
  }
}

// As little as a strict proxy before the server takes of a URL and headers together.
const server = createServer({ maxHeaderSize: 4_096 }, (request, response) => {
  answer(request, response).catch(() => response.destroy())
})
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`)
})
// Ends with its parent, however that ends.
process.stdin.resume().on('end', () => process.exit(0))
