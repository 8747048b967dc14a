/** A real group on IndexedDB: what the test page offers for it, under `globalThis.group`. */

import { fromBase64, toBase64, utf8 } from '../../../src/bytes/text.ts'
import { openGroupStore } from '../../../src/group-store/group-store.ts'
import { createIdentity } from '../../../src/index.ts'
import type { OwnershipPolicy } from '../../../src/ports/storage.ts'
import { openIndexedDbStorage } from '../../../src/storage/indexeddb.ts'
import { rawMasterKey } from '../../../src/storage/master-key.ts'
import { openSealedStorage } from '../../../src/storage/sealed.ts'
import { groupConfig } from '../../../src/store.ts'
import { type ArchiveText, TrialClient, watchedSuite } from '../../group-store/trial-client.ts'

/** Functions of the script outside. */
interface Script {
  said(line: string): Promise<void>
  archiveText(): Promise<ArchiveText>
}

const script = globalThis as unknown as Script
const randomBytes = (length: number) => crypto.getRandomValues(new Uint8Array(length))
const outside = {
  archive: () => script.archiveText(),
  say: (line: string) => void script.said(line),
}
let client: TrialClient | undefined

const open = (name: string, ifOwned: OwnershipPolicy) => openIndexedDbStorage({ name, randomBytes, ifOwned })

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'ok',
    (error) => String(error.code ?? error),
  )
}

/** The functions. */
export const group = {
  /** A new group with a peer in it: the identity for {@link open}, the commit and the Welcome. */
  async create(name: string, keyPackage: string): Promise<readonly [string, string, string]> {
    const suite = await watchedSuite(outside)
    const identity = createIdentity(suite, 'alice')
    const store = await openGroupStore({
      storage: await open(name, 'take'),
      config: groupConfig(),
      suite: () => suite,
      signer: () => identity.signer,
      randomBytes,
    })
    const made = await store.create({ suite, identity })
    const { bytes } = await made.commit({ add: [fromBase64(keyPackage)] })
    await made.reconcile([{ message: bytes, cursor: new Uint8Array(8) }])
    const [welcome] = store.outbox()
    await store.sent(welcome!.id)
    const { privateKey } = identity as unknown as { privateKey: Uint8Array }
    await store.close()
    return [`${toBase64(privateKey)} ${toBase64(made.id)}`, toBase64(bytes), toBase64(welcome!.bytes)]
  },
  /** Keeps a message in the history, of a sealed store or of a plain one, and forgets it again; closed when it resolves. */
  async sayAndForget(name: string, sealed: boolean, words: string): Promise<number> {
    const suite = await watchedSuite(outside)
    const identity = createIdentity(suite, 'alice')
    const plain = await open(name, 'take')
    const masterKey = rawMasterKey(randomBytes(32), randomBytes)
    const store = await openGroupStore({
      storage: sealed ? await openSealedStorage({ storage: plain, masterKey, randomBytes }) : plain,
      config: groupConfig(),
      suite: () => suite,
      signer: () => identity.signer,
      randomBytes,
      keepHistory: true,
    })
    const made = await store.create({ suite, identity })
    await made.send(utf8(words))
    const kept = (await made.history()).length
    await made.forget()
    await store.close()
    return kept
  },
  /** Opens the group; nothing is read from the archive yet. */
  open: (name: string, identity: string, ifOwned: OwnershipPolicy) =>
    codeOf(
      (async () => {
        client = await TrialClient.open(await open(name, ifOwned), identity, outside)
      })(),
    ),
  /** Sends messages and commits until something stops it; resolves with what did. */
  run: (life: string) => codeOf(client!.run(life)),
  send: (id: string) => codeOf(client!.send(id)),
  catchUp: () => codeOf(client!.catchUp()),
  /** Begins a commit, and does not wait for it. */
  startCommit(): void {
    client!.group.commit().catch(() => undefined)
  },
  commit: () => codeOf(client!.group.commit()),
  post: () => client!.post(),
  /** Begins to read the archive, and does not wait for it. */
  startCatchUp(): void {
    client!.catchUp().catch(() => undefined)
  },
  settle: () => codeOf(client!.settle()),
  state: () => client!.state(),
  close: () => client!.store.close(),
}

export type GroupPage = typeof group
