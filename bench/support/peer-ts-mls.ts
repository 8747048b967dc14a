/**
 * ts-mls 2.0.0-rc.10, for `npm run bench -- groups`. A commit of that release with one Remove lacks its path, so that it
 * removes two here; see `test/interop/ts-mls-peer.ts` for its other defects.
 */
import * as tsMls from 'ts-mls'
import type { Change, Implementation, Made } from './implementation.ts'
import { heldBy } from './interleave.ts'

interface Actor {
  keys?: { readonly publicPackage: tsMls.KeyPackage; readonly privatePackage: tsMls.PrivateKeyPackage }
  state?: tsMls.ClientState
}

const version = tsMls.protocolVersions.mls10
const encode = (message: tsMls.MlsMessage): Uint8Array => tsMls.encode(tsMls.mlsMessageEncoder, message)

function decode(bytes: Uint8Array): tsMls.MlsMessage {
  const message = tsMls.decode(tsMls.mlsMessageDecoder, bytes)
  if (message === undefined) throw new Error('ts-mls cannot decode a message')
  return message
}

function keyPackageOf(bytes: Uint8Array): tsMls.KeyPackage {
  const message = decode(bytes)
  if (message.wireformat !== tsMls.wireformats.mls_key_package) throw new Error('not a KeyPackage')
  return message.keyPackage
}

const add = (bytes: Uint8Array): tsMls.Proposal => ({
  proposalType: tsMls.defaultProposalTypes.add,
  add: { keyPackage: keyPackageOf(bytes) },
})

function proposalsOf(change: Change): tsMls.Proposal[] {
  if (change.kind === 'add') return [add(change.keyPackage)]
  if (change.kind === 'update') return []
  return change.leaves.map((removed) => ({ proposalType: tsMls.defaultProposalTypes.remove, remove: { removed } }))
}

/** ts-mls over one suite, with its default (WebCrypto) provider. */
export async function tsMlsPeer(suiteName: tsMls.CiphersuiteName): Promise<Implementation> {
  const cipherSuite = await tsMls.getCiphersuiteImpl(suiteName)
  const context: tsMls.MlsContext = { cipherSuite, authService: tsMls.unsafeTestingAuthenticationService }
  const actors = new Map<number, Actor>()
  const actor = (who: number): Actor => {
    const known = actors.get(who) ?? {}
    actors.set(who, known)
    return known
  }
  const newKeys = (who: number) =>
    tsMls.generateKeyPackage({
      credential: {
        credentialType: tsMls.defaultCredentialTypes.basic,
        identity: new TextEncoder().encode(`ts-mls actor ${who}`),
      },
      cipherSuite,
    })
  const stateOf = (who: number): tsMls.ClientState => {
    const { state } = actor(who)
    if (state === undefined) throw new Error(`actor ${who} is in no group`)
    return state
  }
  const commitTo = async (state: tsMls.ClientState, extraProposals: tsMls.Proposal[]) => {
    const result = await tsMls.createCommit({ context, state, extraProposals, ratchetTreeExtension: true })
    return { ...result, commit: encode(result.commit), welcome: result.welcome && encode(result.welcome) }
  }
  const processed = (state: tsMls.ClientState, bytes: Uint8Array) => {
    const message = decode(bytes)
    if (message.wireformat !== tsMls.wireformats.mls_private_message) throw new Error('not a PrivateMessage')
    return tsMls.processPrivateMessage({ context, state, privateMessage: message.privateMessage })
  }
  return {
    name: 'ts-mls',
    largest: 1_000,
    removes: 2,
    async keyPackage(who) {
      const keys = await newKeys(who)
      actors.set(who, { keys })
      return encode({ version, wireformat: tsMls.wireformats.mls_key_package, keyPackage: keys.publicPackage })
    },
    async create(who, adds) {
      const { publicPackage, privatePackage } = await newKeys(who)
      const keys = { keyPackage: publicPackage, privateKeyPackage: privatePackage }
      const start = performance.now()
      const state = await tsMls.createGroup({ context, groupId: new TextEncoder().encode('ts-mls'), ...keys })
      const { newState, commit, welcome } = await commitTo(state, adds.map(add))
      const ms = performance.now() - start
      if (welcome === undefined) throw new Error('no Welcome')
      actor(who).state = newState
      return { ms, message: commit, welcome: welcome.length, welcomeMessage: welcome }
    },
    async join(who, bytes, weigh = false) {
      const one = actor(who)
      if (one.keys === undefined) throw new Error(`actor ${who} has no KeyPackage`)
      delete one.state
      const { keys } = one
      const join = () => {
        const message = decode(bytes)
        if (message.wireformat !== tsMls.wireformats.mls_welcome) throw new Error('not a Welcome')
        const own = { keyPackage: keys.publicPackage, privateKeys: keys.privatePackage }
        return tsMls.joinGroup({ context, welcome: message.welcome, ...own })
      }
      const start = performance.now()
      one.state = await join()
      return { ms: performance.now() - start, held: weigh ? await heldBy(join) : 0 }
    },
    async commit(who, change): Promise<Made> {
      const state = stateOf(who)
      const start = performance.now()
      const { commit, welcome } = await commitTo(state, proposalsOf(change))
      return { ms: performance.now() - start, message: commit, welcome: welcome?.length ?? 0 }
    },
    async process(who, commit) {
      const state = stateOf(who)
      const start = performance.now()
      const { kind } = await processed(state, commit)
      const ms = performance.now() - start
      if (kind !== 'newState') throw new Error(`the commit was ${kind}`)
      return ms
    },
    async send(who, length) {
      const data = new Uint8Array(length).fill(7)
      const state = stateOf(who)
      const start = performance.now()
      const result = await tsMls.createApplicationMessage({ context, state, message: data })
      const message = encode(result.message)
      const ms = performance.now() - start
      actor(who).state = result.newState
      return { ms, message, welcome: 0 }
    },
    async receive(who, message) {
      const state = stateOf(who)
      const start = performance.now()
      const result = await processed(state, message)
      const ms = performance.now() - start
      if (result.kind !== 'applicationMessage') throw new Error(`the message was ${result.kind}`)
      actor(who).state = result.newState
      return ms
    },
    close: () => actors.clear(),
  }
}
