/** What `npm run bench -- groups` needs of an implementation. */

/** What a commit changes. */
export type Change =
  | { readonly kind: 'update' }
  | { readonly kind: 'add'; readonly keyPackage: Uint8Array }
  | { readonly kind: 'remove'; readonly leaves: readonly number[] }

/** Milliseconds, and what came out. */
export interface Made {
  readonly ms: number
  readonly message: Uint8Array
  /** The Welcome's size in bytes, or 0. */
  readonly welcome: number
}

/**
 * One implementation with several clients, each named by a number. Messages are encoded MLSMessages; decoding and encoding
 * are part of the times. Commits and what processes them are staged and let go: the group stays in its epoch.
 */
export interface Implementation {
  readonly name: string
  /** The largest group of all-blank parents that it is asked to make. */
  readonly largest: number
  /** How many members the row "remove one" removes; 1 but where a defect asks for more. */
  readonly removes: number
  /** Whether it removes by identity, and so cannot name the members that the fixture of a filled tree makes. */
  readonly byIdentity?: true
  /** A KeyPackage of an actor; its group, when there is one, is forgotten. */
  keyPackage(who: number): Promise<Uint8Array>
  /** A new group with members `adds`, all added by one commit without a path, which is merged. */
  create(who: number, adds: readonly Uint8Array[]): Promise<Made & { readonly welcomeMessage: Uint8Array }>
  /** Joins with the latest KeyPackage, again and again. `held`: bytes that the client's state takes, when asked for. */
  join(who: number, welcome: Uint8Array, weigh?: boolean): Promise<{ readonly ms: number; readonly held: number }>
  commit(who: number, change: Change): Promise<Made>
  process(who: number, commit: Uint8Array): Promise<number>
  send(who: number, length: number): Promise<Made>
  receive(who: number, message: Uint8Array): Promise<number>
  close(): void
}

/** The identity of the i-th member of the pool, in the one form that all implementations take. */
export function poolIdentity(i: number): string {
  return `00000000-0000-4000-8000-${i.toString(16).padStart(12, '0')}:1@example.org`
}
