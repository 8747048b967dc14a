/**
 * Bounds on what is decoded (R01, R03, R10). They decide which messages are well-formed, so they are constants that are
 * equal for every client: two clients with other values could disagree on a commit.
 */
export const wireLimits = {
  /** Members of a group; also leaves of a tree. */
  members: 131_072,
  /** Proposals and references in one commit. */
  proposals: 16_384,
  /** Extensions in one list. */
  extensions: 64,
  /** Components of one dictionary. */
  components: 64,
  /** Entries of one list of capabilities. */
  capabilities: 256,
  /** Certificates of one chain. */
  certificates: 8,
  /** Encrypted group secrets in one Welcome. */
  welcomeSecrets: 16_384,
  /** PSKs in one Welcome. */
  psks: 16,
  /** External senders of a group. */
  externalSenders: 16,
  /** Nodes of one UpdatePath. */
  pathNodes: 32,
  /** Bytes of one message other than Welcome, GroupInfo and tree. */
  messageBytes: 16 * 1024 * 1024,
  /** Bytes of a Welcome, a GroupInfo or a ratchet tree. */
  treeBytes: 64 * 1024 * 1024,
} as const
