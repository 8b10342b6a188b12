import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { messageOf, ZenhookError } from '../core/errors/index.ts'
import { type Client, type ClientOptions, connect } from './client.ts'
import { type Format, formats, processStreams, progress, type Streams } from './output.ts'

/** What every command gets: where to write, in which format, and how to reach an instance. */
export interface Context {
  streams: Streams
  format: Format
  quiet: boolean
  dataDir: string
  env: NodeJS.ProcessEnv
  /** `onWait` is told of waits for an instance that takes no more now; by default the line of progress tells them. */
  client(onWait?: ClientOptions['onWait']): Promise<Client>
}

interface Globals {
  output: Format
  quiet?: boolean
  color: boolean
  url?: string
  dataDir?: string
}

export const defaultDataDir = '.zenhook'

/** The options that every command takes. */
export const withGlobals = (command: Command): Command =>
  command
    .addOption(
      new Option('-o, --output <format>', 'form of the answer').choices(formats).default('table'),
    )
    .option('-q, --quiet', 'only the answer, no progress or hints')
    .option('--no-color', 'no colours (also NO_COLOR)')

/** The options of commands that talk to a running instance. */
export const withInstance = (command: Command): Command =>
  withGlobals(command)
    .option('--url <url>', 'admin listener of the instance (default: found by the data folder)')
    .option('--data-dir <dir>', 'data folder of the instance (also DATA_DIR)')

export const contextOf = (command: Command): Context => {
  const options = command.opts<Globals>()
  const env = process.env
  const dataDir = resolve(options.dataDir ?? (env.DATA_DIR || defaultDataDir))
  const streams = processStreams(env, options.color)
  const quiet = options.quiet === true
  const line = progress(streams, quiet)
  const tellWait = (ms: number): void => (ms === 0 ? line.done() : line.update(waits(ms)))
  return {
    streams,
    format: options.output,
    quiet,
    dataDir,
    env,
    client: async (onWait = tellWait) => {
      const file = env.ZENHOOK_TOKEN_FILE
      // Empty means absent, as in the settings of an instance.
      const token = env.ZENHOOK_TOKEN || (file ? (await readInput(file)).trim() : undefined)
      return connect({
        dataDir,
        onWait,
        ...(options.url === undefined ? {} : { url: options.url }),
        ...(token === undefined ? {} : { token }),
      })
    },
  }
}

/** What a line of progress says while the instance takes no more. */
export const waits = (ms: number): string =>
  `waits ${Math.ceil(ms / 1000)} s: the instance takes no more requests now`

/** The content of a file, or of standard input for `-`. */
export const readInput = async (path: string): Promise<string> => {
  try {
    return path === '-' ? await text(process.stdin) : await readFile(path, 'utf8')
  } catch (cause) {
    throw new ZenhookError('ZENHOOK_CLI_FILE', { message: `Cannot read ${path}`, cause })
  }
}

export const parseJson = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ZenhookError('ZENHOOK_CLI_INPUT', {
      message: `${what} is not JSON: ${messageOf(error)}`,
    })
  }
}

/** A whole number of an option, within bounds. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!Number.isInteger(value) || value < least || value > most) {
      throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed.`)
    }
    return value
  }

export const collect = (value: string, previous: readonly string[] = []): readonly string[] => [
  ...previous,
  value,
]
