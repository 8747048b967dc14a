import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { chat } from '../../src/cli/chat.ts'
import { describeMessage, messageBytes } from '../../src/cli/describe-message.ts'
import { examine } from '../../src/cli/doctor.ts'
import { inspectStorage } from '../../src/cli/inspect.ts'
import { paintFor } from '../../src/cli/paint.ts'
import { repository } from '../../src/cli/pass-through.ts'
import { hasState, openState, stateFolder } from '../../src/cli/state-folder.ts'
import { rawMasterKey } from '../../src/storage/master-key.ts'
import { XmppService } from '../../src/testing/xmpp/xmpp-service.ts'
import { MlsClient } from '../../src/xmpp/mls/client.ts'
import { parseKeyPackages } from '../../src/xmpp/mls/wire/key-packages.ts'
import { keyPackagesNode } from '../../src/xmpp/mls/wire/namespace.ts'
import { fetchPep } from '../../src/xmpp/pep/pep-fetch.ts'
import { configureNode, isConfigured, readNodeConfig } from '../../src/xmpp/pep/pep-node.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import { iq, presence } from '../../src/xmpp/stanza/stanza.ts'
import { submission } from '../../src/xmpp/xep/xep-0004.ts'
import { buildMucOwner, mucRoomConfig } from '../../src/xmpp/xep/xep-0045.ts'
import { random } from '../group-store/support.ts'

const room = 'garden@conference.example.org'
const testKey = () => rawMasterKey(new Uint8Array(32).fill(7), random)
const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'xmpp-mls-cli-'))
  folders.push(made)
  return made
}

/** Somebody at a terminal: types when told to, and what is printed is collected. */
class Person {
  readonly printed: string[] = []
  readonly #typed: string[] = []
  #wake: (() => void) | undefined
  #ended = false

  type(...lines: readonly string[]): void {
    this.#typed.push(...lines)
    this.#wake?.()
  }

  end(): void {
    this.#ended = true
    this.#wake?.()
  }

  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#typed.shift()
      if (line !== undefined) yield line
      else if (this.#ended) return
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
    }
  }

  get text(): string {
    return this.printed.join('\n')
  }

  async sees(text: string): Promise<void> {
    for (let i = 0; i < 6000 && !this.text.includes(text); i++) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(this.text).toContain(text)
  }
}

async function home() {
  const service = new XmppService({ seed: 'chat' })
  const stop = service.clock.autoRun(40)
  const enter = async (user: string, state: string) => {
    const session = service.connect(`${user}@example.org/cli`)
    const storage = await openState(state, testKey())
    const client = await MlsClient.open({ xmpp: session, storage, ports: { timers: service.clock } })
    await session.send(presence({}))
    const end = async () => {
      await client.close()
      await storage.close()
    }
    return { session, storage, client, end }
  }
  return { service, stop, enter }
}

describe('a conversation at two terminals', () => {
  test('invite, talk, answer, react, correct, look around, remove', async () => {
    const { stop, enter } = await home()
    const [ann, ben] = [new Person(), new Person()]
    const [anns, bens] = [await enter('ann', folder()), await enter('ben', folder())]
    const talk = async (person: Person, { client }: typeof anns) => {
      const opened = await client.room(room)
      const print = (line: string) => person.printed.push(line)
      await chat({ account: client.account, room: opened, paint: paintFor(false), lines: person.lines(), print })
    }
    const first = talk(ann, anns)
    await ann.sees('everything works')
    ann.type('/invite ben@example.org')
    await ann.sees('added ben')
    const second = talk(ben, bens)
    await ben.sees('everything works')
    ann.type('hello Ben')
    await ben.sees('  1 ann: hello Ben')
    ben.type('/reply 1 hello Ann', '/react 1 👍', '/who', '/tree', '/health', '/help', '/react 77 👍', '/nonsense')
    await ann.sees('ben answers #1: hello Ann')
    await ann.sees('ben 👍 to #1')
    await ben.sees('ben (you)')
    await ben.sees('safety number')
    await ben.sees('no message has this number')
    await ben.sees('no command /nonsense')
    ben.type('/correct hello dear Ann')
    await ann.sees('corrects #2: hello dear Ann')
    ann.type('/invite nobody', '/remove ben@example.org')
    await ann.sees('that is no address')
    await ann.sees('removed ben')
    await ben.sees('this device was removed')
    ann.type('/quit')
    ben.end()
    await Promise.all([first, second])
    await Promise.all([anns.end(), bens.end()])
    stop()
  })

  test('a state folder: in use, kept, inspected', async () => {
    const { stop, enter } = await home()
    const state = folder()
    expect(hasState(state)).toBe(false)
    const ann = await enter('ann', state)
    await ann.client.room(room)
    await expect(openState(state, testKey())).rejects.toMatchObject({ code: 'storage/busy' })
    const lines = await inspectStorage(ann.storage)
    expect(lines[0]).toMatch(/^ann@example.org, device [0-9a-f]{32}, MLS_128/)
    expect(lines[1]).toBe('KeyPackages: 10 one-time, 1 last-resort, 0 used')
    expect(lines.join('\n')).toMatch(/garden@conference.example.org: active\n.*epoch 0, 1 devices/)
    await ann.end()
    expect(hasState(state)).toBe(true)
    const again = await openState(state, testKey())
    expect(await inspectStorage(again, 'other@conference.example.org')).toContain('nothing is stored of this room')
    await again.close()
    expect(stateFolder('a@b', undefined, { XDG_STATE_HOME: '/x' })).toBe('/x/xmpp-mls/a%40b')
    stop()
  })
})

describe('the doctor', () => {
  test('finds a healthy account, a closed node, and mends it', async () => {
    const { service, stop, enter } = await home()
    const ann = await enter('ann', folder())
    await ann.client.room(room)
    const context = { port: ann.session, timers: service.clock, random: service.random }
    const healthy = await examine({ context, mend: false, room })
    expect(healthy.filter(({ state }) => state === 'bad')).toEqual([])
    expect(healthy.find(({ what }) => what === 'KeyPackages')?.text).toMatch(/10 one-time, a last-resort one/)
    expect(healthy.filter(({ what }) => what === 'room').length).toBeGreaterThan(3)
    await configureNode(ann.session, keyPackagesNode, 'whitelist')
    const access = async (mend: boolean) =>
      (await examine({ context, mend })).find(({ what }) => what === 'access')?.state
    expect(await access(false)).toBe('bad')
    expect(await access(true)).toBe('mended')
    expect(isConfigured(await readNodeConfig(ann.session, keyPackagesNode), 'open')).toBe(true)
    expect(await access(true)).toBe('good')
    await ann.end()
    stop()
  })

  test('the clock is compared with the stamps of the own archive where the server does not tell the time', async () => {
    const { service, stop, enter } = await home()
    const ann = await enter('ann', folder())
    const clock = async (offMs: number, mend = true) => {
      const timers = {
        now: () => service.clock.now() + offMs,
        after: (ms: number, run: () => void) => service.clock.after(ms, run),
      }
      const found = await examine({ context: { port: ann.session, timers, random: service.random }, mend })
      return found.find(({ what }) => what === 'clock')
    }
    expect(await clock(0)).toMatchObject({ state: 'good' })
    expect(await clock(60 * 60_000)).toMatchObject({ state: 'bad', text: expect.stringContaining('60 minutes') })
    expect(await clock(-20 * 60_000)).toMatchObject({ state: 'bad', text: expect.stringContaining('20 minutes') })
    expect(await clock(0, false)).toMatchObject({ state: 'note' })
    await ann.end()
    stop()
  })

  test('a room that lets everybody in is mended by its owner, and by nobody else', async () => {
    const { service, stop, enter } = await home()
    const [ann, bob] = [await enter('ann', folder()), await enter('bob', folder())]
    await ann.client.room(room)
    const open = submission(mucRoomConfig, { 'muc#roomconfig_membersonly': '0' })
    await ann.session.request(iq('set', { to: room }, buildMucOwner(open)))
    const members = async (port: XmppPort, mend: boolean) => {
      const found = await examine({ context: { port, timers: service.clock, random: service.random }, mend, room })
      return found.find(({ what, text }) => what === 'room' && /members only|everybody in/.test(text))?.state
    }
    expect(await members(ann.session, false)).toBe('bad')
    expect(await members(bob.session, true)).toBe('bad')
    expect(await members(ann.session, true)).toBe('mended')
    expect(await members(ann.session, true)).toBe('good')
    await Promise.all([ann.end(), bob.end()])
    stop()
  })
})

describe('message files', () => {
  test('raw, base64 and hexadecimal', () => {
    const bytes = Uint8Array.from([0, 1, 0, 5, 0xff])
    expect(messageBytes(bytes)).toEqual(bytes)
    expect(messageBytes(Buffer.from('AAEABf8=\n'))).toEqual(bytes)
    expect(messageBytes(Buffer.from('00010005ff\n'))).toEqual(bytes)
  })

  test('a KeyPackage is printed with its fields', async () => {
    const { stop, enter } = await home()
    const ann = await enter('ann', folder())
    const found = await fetchPep(ann.session, 'ann@example.org', keyPackagesNode)
    const item = parseKeyPackages(found.kind === 'items' ? found.items[0]?.payload : undefined)
    const lines = describeMessage(item?.oneTime[0] ?? new Uint8Array())
    expect(lines[0]).toMatch(/^mls_key_package, \d+ bytes$/)
    expect(lines.join('\n')).toContain('cipherSuite: 1 (MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519)')
    expect(lines.join('\n')).toMatch(/credentialType: basic\n +identity: 616e6e406578616d706c652e6f726700/)
    await ann.end()
    stop()
  })

  test('what is no message is refused with a code', () => {
    expect(() => describeMessage(Uint8Array.from([0, 1, 9, 9]))).toThrow(
      expect.objectContaining({ code: 'codec/enum' }),
    )
  })
})

test('vectors and bench are found in the repository alone', () => {
  expect(repository()).toBe(process.cwd())
  expect(repository('/')).toBeUndefined()
})
