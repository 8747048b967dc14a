/** Attacks on linking a device: against the clients of the owner, by whoever stands between them. */
import { fromCeremonyText, toCeremonyText } from '../../../src/identity/ceremony-text.ts'
import { LinkingDevice, requestLink } from '../../../src/identity/link.ts'
import { LinkRequest } from '../../../src/identity/link-payload.ts'
import { OfflineLink } from '../../../src/identity.ts'
import { MemoryMedium, openMemoryStorage } from '../../../src/storage/memory.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { identityNodes, parseBytes } from '../../../src/xmpp/identity/wire.ts'
import { seededRandom } from '../../xmpp/mls/seeded.ts'
import { type Attack, refusal, stopped, succeeded } from '../attack.ts'
import { alice, deviceOf, secondsIn, seeded, suite, Town } from '../stage.ts'

const login = { login: 'password', secret: new TextEncoder().encode('the password of the account') } as const

/** The owner at a steward, with a new device in hand that has no login yet. */
async function ownerOf(seed: string, account = alice) {
  const town = new Town(seed)
  const evil = new MaliciousServer(town.service)
  const steward = await town.phone(`${account}/phone`)
  await steward.identity.create()
  return { town, evil, steward }
}

async function newDevice(town: Town): Promise<OfflineLink> {
  const random = seededRandom('new device')
  const randomBytes = (length: number) => random.randomBytes(length)
  const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
  return OfflineLink.begin({ storage, name: 'Phone', ports: { timers: town.service.clock } })
}

/** The digits that a device with this request shows for a challenge: anybody can compute them. */
async function codeAt(town: Town, text: string, challenge: string): Promise<string> {
  const request = fromCeremonyText(suite, 'L', LinkRequest, text)
  const keys = await suite.deriveKeyPair(seeded('any'))
  return new LinkingDevice(suite, request, keys).showCode(challenge, secondsIn(town))
}

/** 18: the steward scans a code of the attacker in place of that of the new device beside him. */
const phishing: Attack = {
  id: '18',
  name: 'the owner scans the code of an attacker',
  stoppedBy: 'identity_link/code',
  async run() {
    const { town, steward } = await ownerOf('phishing')
    const waiting = await newDevice(town)
    const { deviceId, leafKeys } = deviceOf('attacker')
    const request = { deviceId, leafKey: leafKeys[0]!, name: 'Phone' }
    const attacker = await requestLink(suite, request, secondsIn(town))
    const approval = await steward.identity.review(attacker.text)
    // the owner types the six digits into the device in hand, and its four digits into the steward
    let typed = waiting.showCode(approval.challenge)
    // one time in ten thousand both devices show the same
    if (typed === attacker.showCode(approval.challenge, secondsIn(town)))
      typed = String((Number(typed) + 1) % 10_000).padStart(4, '0')
    let sealed: string | undefined
    const error = await refusal(async () => {
      sealed = await approval.approve(typed, { via: 'qr', login })
    })
    const listed = steward.identity.status.devices.length
    town.stop()
    if (sealed === undefined) return listed === 1 ? stopped(error ?? 'nothing') : succeeded('the attacker is listed')
    const payload = await attacker.openText(sealed, secondsIn(town))
    return succeeded(`the device of the attacker is certified and has the ${payload.login.login} of the account`)
  },
}

/** 19: who stands between the two puts his own payload there, sealed to the key that everybody saw in QR1. */
const relay: Attack = {
  id: '19a',
  name: 'a relay draws the new device into an account of its own',
  stoppedBy: 'identity_link/payload',
  async run() {
    const { town, steward } = await ownerOf('relay')
    const mallory = await town.phone('mallory@a.test/phone')
    await mallory.identity.create()
    const waiting = await newDevice(town)
    const approval = await steward.identity.review(waiting.text)
    waiting.showCode(approval.challenge)
    // the relay has seen the request, and not the challenge of the steward: it asks for its own
    const own = await mallory.identity.review(waiting.text)
    const sealed = await own.approve(await codeAt(town, waiting.text, own.challenge), { via: 'qr', login })
    let account = ''
    const error = await refusal(async () => {
      account = (await waiting.openText(sealed!)).account
    })
    town.stop()
    return error === undefined ? succeeded(`the new device belongs to ${account}`) : stopped(error)
  },
}

/** 19b: the relay shows the steward the same request with its own key in it, and passes the digits on. */
const keySwap: Attack = {
  id: '19b',
  name: 'a relay puts its own key into the code of the new device',
  stoppedBy: 'identity_link/code',
  async run() {
    const { town, evil, steward } = await ownerOf('key swap')
    const waiting = await newDevice(town)
    const request = fromCeremonyText(suite, 'L', LinkRequest, waiting.text)
    const keys = await suite.deriveKeyPair(seeded('relay'))
    const swapped = { ...request, hpkeKey: keys.publicKey }
    const shown = toCeremonyText(suite, 'L', LinkRequest, swapped)
    const approval = await steward.identity.review(shown)
    const { challenge } = approval
    let typed = waiting.showCode(challenge)
    // one challenge in ten thousand gives the same digits for both; a build that leaves the request out gives them always
    const everywhere = (await codeAt(town, shown, '000000')) === (await codeAt(town, waiting.text, '000000'))
    if (!everywhere && typed === (await codeAt(town, shown, challenge)))
      typed = String((Number(typed) + 1) % 10_000).padStart(4, '0')
    const error = await refusal(() => approval.approve(typed, { login }))
    town.stop()
    // what was left for the new device lies on the server, which is the relay
    const left = evil.seen.find(({ node }) => node === identityNodes.links)
    const sealed = parseBytes('link', left?.item.payload)
    if (sealed === undefined) return stopped(error ?? 'nothing')
    const thief = new LinkingDevice(suite, swapped, keys)
    thief.showCode(challenge, secondsIn(town))
    const payload = await thief.open(sealed, secondsIn(town))
    return succeeded(`the relay reads the ${payload.login.login} of the account`)
  },
}

export const linkAttacks: readonly Attack[] = [phishing, relay, keySwap]
