import type { VectorEngine } from './engine.ts'
import { checkCryptoBasics } from './families/crypto-basics.ts'
import { checkDeserialization } from './families/deserialization.ts'
import { checkKeySchedule } from './families/key-schedule.ts'
import { checkMessageProtection } from './families/message-protection.ts'
import { checkMessages } from './families/messages.ts'
import { checkPassiveClient } from './families/passive-client.ts'
import { checkPskSecret } from './families/psk-secret.ts'
import { checkSecretTree } from './families/secret-tree.ts'
import { checkTranscriptHashes } from './families/transcript-hashes.ts'
import { checkTreeMath } from './families/tree-math.ts'
import { checkTreeOperations } from './families/tree-operations.ts'
import { checkTreeValidation } from './families/tree-validation.ts'
import { checkTreeKem } from './families/treekem.ts'
import { checkWelcome } from './families/welcome.ts'
import type { Fields } from './fields.ts'

/** Checks one case. @throws any error on the first difference */
export type Family = (vector: Fields, engine: VectorEngine) => void | Promise<void>

/** Every family by its name, which is the name of its file. */
export const families: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['crypto-basics', checkCryptoBasics],
  ['deserialization', checkDeserialization],
  ['key-schedule', checkKeySchedule],
  ['message-protection', checkMessageProtection],
  ['messages', checkMessages],
  ['passive-client-handling-commit', checkPassiveClient],
  ['passive-client-random', checkPassiveClient],
  ['passive-client-welcome', checkPassiveClient],
  ['psk_secret', checkPskSecret],
  ['secret-tree', checkSecretTree],
  ['transcript-hashes', checkTranscriptHashes],
  ['tree-math', checkTreeMath],
  ['tree-operations', checkTreeOperations],
  ['tree-validation', checkTreeValidation],
  ['treekem', checkTreeKem],
  ['welcome', checkWelcome],
])

/** The name of a family from the name of a file: `psk-secret.json` is `psk_secret`. */
export function familyName(file: string): string | undefined {
  const plain = (name: string) => name.replaceAll('_', '-')
  const wanted = plain(file.replace(/\.json$/, ''))
  return [...families.keys()].find((name) => plain(name) === wanted)
}
