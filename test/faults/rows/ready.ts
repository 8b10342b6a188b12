import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until the ingress has taken the place of the lobby, which answers 503 to everything: it wants a signature. */
export const takesRequests = async (publicUrl: string): Promise<void> => {
  const until = performance.now() + 20_000
  for (;;) {
    // The lobby's connections end when the ingress takes over.
    const status = await fetch(`${publicUrl}/in/acme/github`, { method: 'POST', body: '{}' }).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 401) return
    if (performance.now() > until) throw new Error(`the ingress does not answer: ${status}`)
    await sleep(100)
  }
}

/** Waits for a condition; says what did not come about. */
export const eventually = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> => {
  const until = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > until) throw new Error(`${what}: not within ${timeoutMs} ms`)
    await sleep(50)
  }
}
