/** The clock of the platform, for the `Clock` port. */
export const systemClock: { now(): number } = { now: () => Date.now() }
