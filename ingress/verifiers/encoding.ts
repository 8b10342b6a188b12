export type Encoding = 'hex' | 'base64' | 'base64url'

const decoders: Readonly<Record<Encoding, (text: string) => Uint8Array | undefined>> = {
  hex: (text) => {
    const bytes = Buffer.from(text, 'hex')
    return bytes.length * 2 === text.length ? bytes : undefined
  },
  base64: (text) => {
    const bytes = Buffer.from(text, 'base64')
    return bytes.toString('base64') === text ? bytes : undefined
  },
  base64url: (text) => {
    const bytes = Buffer.from(text, 'base64url')
    return bytes.toString('base64url') === text ? bytes : undefined
  },
}

/** Strict: `undefined` for anything that an encoder would not have written (padding, stray bits, other letters). */
export const decode = (text: string, encoding: Encoding): Uint8Array | undefined =>
  text === '' ? undefined : decoders[encoding](text)
