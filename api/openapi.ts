import { z } from '@hono/zod-openapi'

/** A JSON answer of a route. */
export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

const document = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number(),
    code: z.string(),
    detail: z.string(),
    fix: z.string(),
    request_id: z.string(),
    errors: z.array(z.object({ pointer: z.string().optional(), detail: z.string() })).optional(),
  })
  .openapi('Problem')

export const problemResponse = {
  description: 'What went wrong (RFC 9457)',
  content: { 'application/problem+json': { schema: document } },
}

type Mutable<T> = T extends readonly (infer U)[]
  ? Mutable<U>[]
  : T extends object
    ? { -readonly [K in keyof T]: Mutable<T[K]> }
    : T

/** What is read-only with us as the router's types want it: nothing is copied, it goes out as JSON. */
export const mutable = <T>(value: T): Mutable<T> => value as Mutable<T>
