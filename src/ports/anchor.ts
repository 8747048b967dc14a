/** What a store writes down in a second place, to notice later that it was put back to an earlier state. */
export interface AnchorMark {
  /** Which store; 16 random bytes. */
  readonly storeId: Uint8Array
  /** How often the store was opened. */
  readonly incarnation: number
  /** How often generations were set apart for sending. */
  readonly sequence: number
}

/**
 * A place that backups and copies of the store do not carry along: another origin's storage, the platform's keychain, a
 * private node on a server. One mark for each store; a mark is replaced by a later one.
 */
export interface Anchor {
  /** The last mark, `undefined` when there is none. Rejects when the place cannot be read: that is not "none". */
  read(): Promise<AnchorMark | undefined>
  /** Replaces the mark; durable when the promise resolves. */
  write(mark: AnchorMark): Promise<void>
}
