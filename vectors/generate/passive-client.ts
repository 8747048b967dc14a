import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { RequiredCapabilities } from '../../src/wire/extension.ts'
import { credentialTypes, extensionTypes } from '../../src/wire/registries.ts'
import { randomBelow, randomOf } from './random.ts'
import { Scenario } from './scenario.ts'

/** Members before the passive client joins. */
const size = 3
/** Epochs of a random walk. */
const walk = 30
/** Members beyond which a random walk adds nobody. */
const most = 12

/** Joins with and without the tree in the Welcome, a PSK, a path. */
export async function generatePassiveClientWelcome(suite: CipherSuite): Promise<unknown[]> {
  const cases: unknown[] = []
  for (const ratchetTree of [true, false])
    for (const withPsk of [true, false])
      for (const path of [true, false]) {
        const scenario = await Scenario.create(suite, { handshakes: 'mls_public_message', ratchetTree }, size)
        await scenario.addPassive({ path, psk: withPsk ? [scenario.externalPsk()] : [] })
        cases.push(scenario.describe())
      }
  return cases
}

/** One kind of change of a group: an epoch of a vector. */
type Change = (scenario: Scenario) => Promise<void>

const changes: readonly Change[] = [
  // by value
  (scenario) => scenario.commit(scenario.member(1), {}),
  async (scenario) => scenario.commit(scenario.member(1), { add: [await scenario.newcomer()] }),
  async (scenario) => scenario.commit(scenario.member(1), { add: [await scenario.newcomer()], path: false }),
  (scenario) => scenario.commit(scenario.member(0), { remove: [scenario.member(1).leafIndex] }),
  (scenario) => scenario.commit(scenario.member(1), { psk: [scenario.externalPsk()], path: false }),
  (scenario) => scenario.commit(scenario.member(1), { psk: [scenario.member(1).resumptionPskId('application')] }),
  (scenario) => scenario.commit(scenario.member(0), { extensions: [requirement()] }),
  // by reference
  async (scenario) => {
    await scenario.propose(scenario.member(1), { update: true })
    await scenario.commit(scenario.member(2), {})
  },
  async (scenario) => {
    await scenario.propose(scenario.member(1), { add: await scenario.newcomer() })
    await scenario.commit(scenario.member(2), {})
  },
  async (scenario) => {
    await scenario.propose(scenario.member(1), { remove: scenario.member(2).leafIndex })
    await scenario.commit(scenario.member(0), {})
  },
  async (scenario) => {
    await scenario.propose(scenario.member(1), { psk: scenario.externalPsk() })
    await scenario.propose(scenario.member(2), { extensions: [requirement()] })
    await scenario.commit(scenario.member(0), {})
  },
  // by external commit
  (scenario) => scenario.joinExternally(),
  (scenario) => scenario.joinExternally(scenario.member(1)),
]

/** Every kind of change, followed by a commit with a path from another member. */
export async function generatePassiveClientHandlingCommit(suite: CipherSuite): Promise<unknown[]> {
  const cases: unknown[] = []
  for (const [i, change] of changes.entries()) {
    const handshakes = i % 2 === 0 ? 'mls_public_message' : 'mls_private_message'
    const scenario = await Scenario.create(suite, { handshakes, ratchetTree: true }, size)
    await scenario.addPassive({})
    await change(scenario)
    await scenario.commit(scenario.member(0), {})
    cases.push(scenario.describe())
  }
  return cases
}

/** A random walk. */
export async function generatePassiveClientRandom(suite: CipherSuite): Promise<unknown[]> {
  const scenario = await Scenario.create(suite, { handshakes: 'mls_public_message', ratchetTree: true }, size)
  await scenario.addPassive({})
  for (let epoch = 0; epoch < walk; epoch++) {
    const committer = randomOf(suite, scenario.members)
    const others = scenario.members.filter((member) => member !== committer)
    for (const proposer of others.filter(() => randomBelow(suite, 3) === 0))
      await scenario.propose(proposer, randomBelow(suite, 2) === 0 ? { update: true } : { psk: scenario.externalPsk() })
    const removable = [...committer.members()]
      .map(({ leafIndex }) => leafIndex)
      .filter((leaf) => leaf !== scenario.passiveLeaf && leaf !== committer.leafIndex)
    const isRemoval = scenario.members.length > 2 && randomBelow(suite, 3) === 0
    const isAddition = committer.memberCount < most && randomBelow(suite, 2) === 0
    const remove = isRemoval ? [randomOf(suite, removable)] : []
    const add = isAddition ? [await scenario.newcomer()] : []
    // committing nothing at all needs a path
    await scenario.commit(committer, { remove, add, path: add.length === 0 || randomBelow(suite, 2) === 0 })
  }
  return [scenario.describe()]
}

function requirement() {
  const required = { extensionTypes: [], proposalTypes: [], credentialTypes: [credentialTypes.basic] }
  return {
    extensionType: extensionTypes.requiredCapabilities,
    extensionData: encode(RequiredCapabilities, required),
  }
}
