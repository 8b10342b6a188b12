const sane = /^[A-Za-z0-9._:/+=@-]{1,128}$/

/** Whether an `X-Request-Id` that somebody sent may stand in logs and answers as it is. */
export const isRequestId = (text: string): boolean => sane.test(text)
