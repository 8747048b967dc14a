const earlier = (a: bigint, b: bigint): number => (a < b ? -1 : a > b ? 1 : 0)

/** The latest of some times, in any one unit. */
export function latest(first: bigint, ...others: readonly bigint[]): bigint {
  return [first, ...others].sort(earlier).at(-1) ?? first
}

/** The earliest of some times, in any one unit. */
export function earliest(first: bigint, ...others: readonly bigint[]): bigint {
  return [first, ...others].sort(earlier)[0] ?? first
}
