/** What a process does; `start` runs all of them by default. */
export const roles = ['ingress', 'processors', 'connectors', 'sink', 'api'] as const
export type Role = (typeof roles)[number]

export const isRole = (text: string): text is Role => roles.some((role) => role === text)
