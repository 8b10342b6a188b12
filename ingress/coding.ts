import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { type Refusal, refuse } from './problems.ts'

type Decode = (
  body: Uint8Array,
  options: { maxOutputLength: number },
  done: (error: Error | null, decoded: Buffer) => void,
) => void

/** Content codings that a source may take. */
const decoders: Readonly<Record<'gzip' | 'x-gzip' | 'deflate' | 'br', Decode>> = {
  gzip: gunzip,
  'x-gzip': gunzip,
  deflate: inflate,
  br: brotliDecompress,
}

type Coding = keyof typeof decoders

const isCoding = (name: string): name is Coding => Object.hasOwn(decoders, name)

/** Why a source does not take this coding; a list of codings is none. */
export const refuseCoding = (name: string, taken: boolean): Refusal | undefined => {
  if (taken && isCoding(name)) return undefined
  const accepted = taken ? 'identity, gzip, deflate, br' : 'identity'
  return refuse('ZENHOOK_INGRESS_UNSUPPORTED_MEDIA', {
    detail: `The content coding of the body must be one of: ${accepted}`,
    headers: { 'accept-encoding': accepted },
  })
}

/**
 * The body without its coding, at most `maxBytes` of it: a bomb ends there, in memory and in time. Runs beside
 * the event loop.
 */
export const decodeBody = (
  coding: string,
  body: Uint8Array,
  maxBytes: number,
): Promise<Buffer | Refusal> =>
  new Promise((resolve) => {
    const wrong = (): void =>
      resolve(
        refuse('ZENHOOK_INGRESS_MALFORMED', {
          detail: 'The body is not what its content coding says',
        }),
      )
    if (!isCoding(coding)) return wrong()
    decoders[coding](body, { maxOutputLength: Math.max(1, maxBytes) }, (error, decoded) => {
      if (error === null) resolve(decoded)
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE')
        resolve(refuse('ZENHOOK_INGRESS_BODY_TOO_LARGE'))
      else wrong()
    })
  })
