import type { CipherSuite } from '../src/crypto/cipher-suite.ts'
import { suites } from '../src/crypto/suites.ts'
import type { VectorEngine } from './engine.ts'
import { generateCryptoBasics } from './generate/crypto-basics.ts'
import { generateDeserialization } from './generate/deserialization.ts'
import { generateKeySchedule } from './generate/key-schedule.ts'
import { generateMessageProtection } from './generate/message-protection.ts'
import { generateMessages } from './generate/messages.ts'
import {
  generatePassiveClientHandlingCommit,
  generatePassiveClientRandom,
  generatePassiveClientWelcome,
} from './generate/passive-client.ts'
import { generatePskSecret } from './generate/psk-secret.ts'
import { generateSecretTree } from './generate/secret-tree.ts'
import { generateTranscriptHashes } from './generate/transcript-hashes.ts'
import { generateTreeMath } from './generate/tree-math.ts'
import { generateTreeOperations } from './generate/tree-operations.ts'
import { generateTreeValidation } from './generate/tree-validation.ts'
import { generateTreeKem } from './generate/treekem.ts'
import { generateWelcome } from './generate/welcome.ts'

/** Makes the cases of one family for one suite. */
type SuiteGenerator = (suite: CipherSuite) => unknown[] | Promise<unknown[]>

const suiteGenerators: ReadonlyMap<string, SuiteGenerator> = new Map<string, SuiteGenerator>([
  ['crypto-basics', generateCryptoBasics],
  ['key-schedule', generateKeySchedule],
  ['message-protection', generateMessageProtection],
  ['messages', generateMessages],
  ['passive-client-handling-commit', generatePassiveClientHandlingCommit],
  ['passive-client-random', generatePassiveClientRandom],
  ['passive-client-welcome', generatePassiveClientWelcome],
  ['psk_secret', generatePskSecret],
  ['secret-tree', generateSecretTree],
  ['transcript-hashes', generateTranscriptHashes],
  ['tree-operations', generateTreeOperations],
  ['tree-validation', generateTreeValidation],
  ['treekem', generateTreeKem],
  ['welcome', generateWelcome],
])

/** Every family that {@link generateCases} makes; the names of their files. */
export const generatedFamilies: readonly string[] = ['deserialization', 'tree-math', ...suiteGenerators.keys()].sort()

/**
 * Cases of our own for one family, with fresh keys, for these suites or all of them.
 * @returns `undefined` for a family that is not generated
 */
export async function generateCases(
  family: string,
  engine: VectorEngine,
  suiteIds: readonly number[] = suites.map(({ id }) => id),
): Promise<unknown[] | undefined> {
  if (family === 'deserialization') return generateDeserialization()
  if (family === 'tree-math') return generateTreeMath()
  const generate = suiteGenerators.get(family)
  if (generate === undefined) return undefined
  const cases: unknown[] = []
  for (const id of suiteIds) cases.push(...(await generate(engine.suite(id))))
  return cases
}
