import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const processSchema = z.object({ pid: z.number(), born: z.string(), log: z.string() })
const serviceSchema = z.object({ url: z.string(), process: processSchema })
const stateSchema = z.object({
  version: z.literal(1),
  kafka: z
    .object({
      dir: z.string(),
      heapMb: z.number(),
      nodes: z.array(
        z.object({
          id: z.number(),
          port: z.number(),
          controllerPort: z.number().optional(),
          process: processSchema,
        }),
      ),
      controllers: z
        .array(z.object({ id: z.number(), controllerPort: z.number(), process: processSchema }))
        .optional(),
    })
    .optional(),
  registry: serviceSchema.optional(),
  redis: serviceSchema.optional(),
})

/** The shared servers of this checkout. */
export type ServersState = z.infer<typeof stateSchema>

/** One folder per checkout and user, so that two checkouts never end each other's servers. */
export const serversDir = (): string => {
  const named = process.env.ZENHOOK_SERVERS_DIR
  if (named !== undefined && named !== '') return named
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const name = createHash('sha256').update(root).digest('hex').slice(0, 10)
  return join(tmpdir(), `zenhook-servers-${process.getuid?.() ?? 0}-${name}`)
}

export const stateFile = (): string => join(serversDir(), 'state.json')

/** What was written by the last `up`; empty when there was none. */
export const readState = (): ServersState => {
  let text: string
  try {
    text = readFileSync(stateFile(), 'utf8')
  } catch {
    return { version: 1 }
  }
  return stateSchema.parse(JSON.parse(text))
}

export const writeState = (state: ServersState): void => {
  mkdirSync(dirname(stateFile()), { recursive: true, mode: 0o700 })
  const partial = `${stateFile()}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(state, undefined, 2)}\n`)
  renameSync(partial, stateFile())
}
