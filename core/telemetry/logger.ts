import { pino } from 'pino'

/** Structured logs: an object of fields, then what happened. Never a secret: see `redacted`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: object): Logger
}

/** Field names whose values are never written, wherever they stand within two levels. */
export const redacted = [
  'authorization',
  'password',
  'secret',
  'secrets',
  'token',
  'signature',
  'cookie',
]

export interface LoggerOptions {
  level?: string
  /** Where lines go; standard error by default, for standard output belongs to answers. */
  write?: (line: string) => void
}

export const createLogger = ({ level = 'info', write }: LoggerOptions = {}): Logger =>
  pino(
    {
      level,
      base: undefined,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: redacted.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
        censor: '[redacted]',
      },
    },
    write === undefined ? pino.destination({ fd: 2, sync: false }) : { write },
  )

const nothing = (): void => {}
export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLogger,
}
