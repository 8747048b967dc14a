/**
 * A member in ts-mls whose application saves the whole state after every step, as that library leaves it to do: the encoded
 * `ClientState` as one value on LMDB, durable before anything is sent.
 */
import * as tsMls from 'ts-mls'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { populatedGroup } from '../../test/support/populated-group.ts'

const version = tsMls.protocolVersions.mls10

/** One member; what it does resolves when the new state is durable, with the bytes that were stored. */
export interface SavedWhole {
  commit(): Promise<number>
  send(length: number): Promise<number>
}

/** Joins a filled group of `n` members in the place of the last one: that release refuses some trees with unmerged leaves. */
export async function tsMlsMember(suite: CipherSuite, n: number, storage: Storage): Promise<SavedWhole> {
  const cipherSuite = await tsMls.getCiphersuiteImpl('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
  const context: tsMls.MlsContext = { cipherSuite, authService: tsMls.unsafeTestingAuthenticationService }
  const identity = new TextEncoder().encode('ts-mls')
  const keys = await tsMls.generateKeyPackage({
    credential: { credentialType: tsMls.defaultCredentialTypes.basic, identity },
    cipherSuite,
  })
  const keyPackage = { version, wireformat: tsMls.wireformats.mls_key_package, keyPackage: keys.publicPackage }
  const first = populatedGroup(suite, n, { ratchetTreeExtension: true }).member(0)
  const { staged } = await first.commit({ remove: [n - 1], add: [tsMls.encode(tsMls.mlsMessageEncoder, keyPackage)] })
  const bytes = first.merge(staged).welcome
  const message = bytes === undefined ? undefined : tsMls.decode(tsMls.mlsMessageDecoder, bytes)
  if (message?.wireformat !== tsMls.wireformats.mls_welcome) throw new Error('no Welcome')
  const own = { keyPackage: keys.publicPackage, privateKeys: keys.privatePackage }
  let state = await tsMls.joinGroup({ context, welcome: message.welcome, ...own })
  const save = async (next: tsMls.ClientState) => {
    state = next
    const value = tsMls.encode(tsMls.clientStateEncoder, state)
    await storage.apply([{ kind: 'put', table: 'state', key: new Uint8Array(1), value }])
    return value.length + 1
  }
  return {
    commit: async () => save((await tsMls.createCommit({ context, state, ratchetTreeExtension: false })).newState),
    async send(length) {
      const sent = await tsMls.createApplicationMessage({ context, state, message: new Uint8Array(length) })
      tsMls.encode(tsMls.mlsMessageEncoder, sent.message)
      return save(sent.newState)
    },
  }
}
