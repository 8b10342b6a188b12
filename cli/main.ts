import { program } from './program.ts'
import { run } from './run.ts'

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exitCode = await run(program(), process.argv.slice(2))
// The work is done and everything is closed: what a client library left open must not keep us.
setTimeout(() => process.exit(), 2_000).unref()
