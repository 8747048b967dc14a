import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { inspectStorage } from '../../src/cli/inspect.ts'
import { openState } from '../../src/cli/state-folder.ts'
import { type KeySource, stateKey } from '../../src/cli/state-key.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { minArgon2Cost } from '../../src/storage/master-key.ts'
import { XmppService } from '../../src/testing/xmpp/xmpp-service.ts'
import { MlsClient } from '../../src/xmpp/mls/client.ts'
import { presence } from '../../src/xmpp/stanza/stanza.ts'
import { random } from '../group-store/support.ts'

const room = 'garden@conference.example.org'
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'xmpp-mls-state-'))
  folders.push(made)
  return made
}

const source = (changes: Partial<KeySource>): KeySource => ({
  keyFile: undefined,
  passphrase: undefined,
  ask: async () => '',
  randomBytes: random,
  cost: minArgon2Cost,
  ...changes,
})

/** A client that makes a room, and says something in it. */
async function use(storage: Storage): Promise<string | undefined> {
  const service = new XmppService({ seed: 'state' })
  const stop = service.clock.autoRun(40)
  const session = service.connect('ann@example.org/cli')
  const client = await MlsClient.open({ xmpp: session, storage, ports: { timers: service.clock }, history: {} })
  await session.send(presence({}))
  const opened = await client.room(room)
  if (opened.health.epoch === 0n) await opened.send('a very secret sentence')
  const { epochAuthenticator } = opened
  await client.close()
  stop()
  return Buffer.from(epochAuthenticator).toString('hex')
}

/** Whether any file below a folder holds a text. */
function holds(path: string, text: string): boolean {
  return readdirSync(path, { withFileTypes: true }).some((entry) =>
    entry.isDirectory() ? holds(join(path, entry.name), text) : readFileSync(join(path, entry.name)).includes(text),
  )
}

describe('the state folder of the command', () => {
  test('is sealed with a passphrase; a wrong one is told in one sentence', async () => {
    const state = folder()
    const questions: string[] = []
    const ask = (answer: string) => async (question: string) => {
      questions.push(question)
      return answer
    }
    await expect(stateKey(state, source({}))).rejects.toThrow('set XMPP_MLS_PASSPHRASE')
    const storage = await openState(state, await stateKey(state, source({ ask: ask('correct horse') })))
    expect(questions).toHaveLength(2)
    await use(storage)
    await storage.close()
    for (const secret of ['a very secret sentence', 'conference.example.org', 'ann@example.org'])
      expect(holds(state, secret), secret).toBe(false)
    const wrong = await stateKey(state, source({ passphrase: 'correct house' }))
    await expect(openState(state, wrong)).rejects.toMatchObject({
      code: 'storage/key',
      message: expect.stringContaining(`this passphrase or key file does not open the state in ${state}`),
    })
    await expect(stateKey(state, source({ keyFile: join(state, 'x') }))).rejects.toThrow('sealed with a passphrase')
    const again = await openState(state, await stateKey(state, source({ ask: ask('correct horse') })))
    expect(questions).toHaveLength(3)
    expect((await inspectStorage(again)).join('\n')).toMatch(
      /garden@conference.example.org: active\n.*epoch 0, 1 devices/,
    )
    await again.close()
  }, 20_000)

  test('two passphrases that differ are not taken', async () => {
    let asked = 0
    const ask = async () => `${++asked}`
    await expect(stateKey(folder(), source({ ask }))).rejects.toThrow('the two passphrases differ')
  })

  test('or with a key file that only its owner may read', async () => {
    const [state, keyFile] = [folder(), join(folder(), 'key')]
    const storage = await openState(state, await stateKey(state, source({ keyFile })))
    await storage.close()
    expect(statSync(keyFile).mode & 0o777).toBe(0o600)
    await expect(stateKey(state, source({ passphrase: 'p' }))).rejects.toThrow('is sealed with a key file')
    chmodSync(keyFile, 0o640)
    await expect(stateKey(state, source({ keyFile }))).rejects.toThrow('chmod 600')
    chmodSync(keyFile, 0o600)
    await (await openState(state, await stateKey(state, source({ keyFile })))).close()
    rmSync(keyFile)
    await expect(stateKey(state, source({ keyFile }))).rejects.toThrow('there is no key file')
    writeFileSync(keyFile, 'no key\n', { mode: 0o600 })
    await expect(stateKey(state, source({ keyFile }))).rejects.toThrow('is no key file')
    writeFileSync(keyFile, `${'00'.repeat(32)}\n`, { mode: 0o600 })
    await expect(openState(state, await stateKey(state, source({ keyFile })))).rejects.toMatchObject({
      code: 'storage/key',
    })
  })

  test('of an earlier version, unsealed, is sealed when it is opened', async () => {
    const state = folder()
    const plain = await openLmdbStorage({ path: state, randomBytes: random })
    const before = await use(plain)
    await plain.close()
    expect(holds(state, 'a very secret sentence')).toBe(true)
    const source1 = source({ passphrase: 'p' })
    const storage = await openState(state, await stateKey(state, source1))
    expect(holds(state, 'a very secret sentence')).toBe(false)
    expect(existsSync(join(state, 'data.mdb'))).toBe(false)
    expect((await inspectStorage(storage)).join('\n')).toContain(`epoch authenticator ${before?.slice(0, 32)}`)
    await storage.close()
  }, 20_000)
})
