/** Time of day. The engine itself never reads a clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
}
