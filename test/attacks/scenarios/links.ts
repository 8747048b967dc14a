/** Attacks on linking a device. */

import { utf8 } from '../../../src/bytes/text.ts'
import { certifyDevices } from '../../../src/identity/account.ts'
import { fromCeremonyText, toCeremonyText } from '../../../src/identity/ceremony-text.ts'
import { LinkingDevice, type LinkReview, requestLink, reviewLink } from '../../../src/identity/link.ts'
import { type LinkPayload, LinkRequest } from '../../../src/identity/link-payload.ts'
import { headOf } from '../../../src/identity/manifest-head.ts'
import { type Attack, refusal, stopped, succeeded } from '../attack.ts'
import { alice, beginAs, deviceOf, type Loot, nextBy, seeded, suite } from '../stage.ts'

const now = 1_790_000_000n
const nobodyYet = () => false

/** What a steward seals to a device. */
async function payloadFor(
  loot: Loot,
  account: string,
  asked: ReturnType<typeof deviceOf>,
): Promise<Omit<LinkPayload, 'version'>> {
  const manifest = await nextBy(loot, loot.manifest, [{ kind: 'add_device', device: asked, probation: true }])
  const [issued] = await certifyDevices({ kind: 'ops', ops: loot.ops }, manifest, [asked.deviceId])
  if (issued === undefined) throw new Error('no certificate')
  const { generation, seq, hash } = headOf(manifest)
  return {
    account: utf8(account),
    rootHash: manifest.rootHash,
    head: { generation, seq, hash },
    login: { login: 'password', secret: utf8('the password of the account') },
    deviceCert: issued.cert,
    opsPrivateKey: undefined,
    welcome: undefined,
    historyKey: undefined,
  }
}

const ask = (device: ReturnType<typeof deviceOf>): Promise<LinkingDevice> =>
  requestLink(suite, { deviceId: device.deviceId, leafKey: device.leafKeys[0]!, name: 'Phone' }, now)

/** 18: the steward scans a code of the attacker in place of that of the new device beside him. */
const phishing: Attack = {
  id: '18',
  name: 'the owner scans the code of an attacker',
  stoppedBy: 'identity_link/code',
  async run() {
    const loot = await beginAs(alice, 'alice', now)
    const [mine, evil] = [deviceOf('new phone'), deviceOf('attacker')]
    const [waiting, attacker] = [await ask(mine), await ask(evil)]
    const review = reviewLink(suite, attacker.text, { account: utf8(alice), used: nobodyYet }, now + 5n)
    // the owner types the six digits into the device in hand, and its four digits into the steward
    let typed = waiting.showCode(review.challenge, now + 9n)
    // one time in ten thousand both devices show the same
    if (typed === attacker.showCode(review.challenge, now + 9n))
      typed = String((Number(typed) + 1) % 10_000).padStart(4, '0')
    let sealed: Uint8Array | undefined
    const error = await refusal(async () => {
      const confirmed = review.confirm(typed, now + 12n)
      sealed = await confirmed.seal(await payloadFor(loot, alice, evil), now + 13n)
    })
    if (sealed === undefined) return stopped(error ?? 'nothing')
    const { login } = await attacker.open(sealed, now + 20n)
    return succeeded(`the device of the attacker is certified and has the ${login.login} of the account`)
  },
}

/** 19: who stands between the two puts his own payload there, sealed to the key that everybody saw in QR1. */
const relay: Attack = {
  id: '19a',
  name: 'a relay draws the new device into an account of its own',
  stoppedBy: 'identity_link/payload',
  async run() {
    const mine = deviceOf('new phone')
    const waiting = await ask(mine)
    const steward = reviewLink(suite, waiting.text, { account: utf8(alice), used: nobodyYet }, now + 5n)
    waiting.showCode(steward.challenge, now + 9n)
    // the relay has seen the request, and not the challenge of the steward: it asks for its own
    const evil = await beginAs('mallory@a.test', 'mallory', now)
    const review = reviewLink(suite, waiting.text, { account: utf8('mallory@a.test'), used: nobodyYet }, now + 6n)
    const confirmed = review.confirm(await codeAt(waiting.text, review.challenge), now + 12n)
    const sealed = await confirmed.seal(await payloadFor(evil, 'mallory@a.test', mine), now + 13n)
    const error = await refusal(() => waiting.open(sealed, now + 20n))
    return error === undefined ? succeeded('the new device belongs to the account of the relay') : stopped(error)
  },
}

/** 19b: the relay shows the steward the same request with its own key in it, and passes the digits on. */
const keySwap: Attack = {
  id: '19b',
  name: 'a relay puts its own key into the code of the new device',
  stoppedBy: 'identity_link/code',
  async run() {
    const mine = deviceOf('new phone')
    const waiting = await ask(mine)
    const request = fromCeremonyText(suite, 'L', LinkRequest, waiting.text)
    const keys = await suite.deriveKeyPair(seeded('relay'))
    const swapped = { ...request, hpkeKey: keys.publicKey }
    const loot = await beginAs(alice, 'alice', now)
    const shown = toCeremonyText(suite, 'L', LinkRequest, swapped)
    const look = () => reviewLink(suite, shown, { account: utf8(alice), used: nobodyYet }, now + 5n)
    const same = async ({ challenge }: LinkReview) =>
      (await codeAt(waiting.text, challenge)) === (await codeAt(shown, challenge))
    let review = look()
    // one challenge in ten thousand gives the same digits for both
    if (await same(review)) review = look()
    const typed = waiting.showCode(review.challenge, now + 9n)
    let sealed: Uint8Array | undefined
    const error = await refusal(async () => {
      sealed = await review.confirm(typed, now + 12n).seal(await payloadFor(loot, alice, mine), now + 13n)
    })
    if (sealed === undefined) return stopped(error ?? 'nothing')
    const relay = new LinkingDevice(suite, swapped, keys)
    relay.showCode(review.challenge, now + 15n)
    const { login } = await relay.open(sealed, now + 20n)
    return succeeded(`the relay reads the ${login.login} of the account`)
  },
}

/** The digits that a device with this request shows for a challenge: anybody can compute them. */
async function codeAt(text: string, challenge: string): Promise<string> {
  const request = fromCeremonyText(suite, 'L', LinkRequest, text)
  return new LinkingDevice(suite, request, await suite.deriveKeyPair(seeded('any'))).showCode(challenge, now + 9n)
}

export const linkAttacks: readonly Attack[] = [phishing, relay, keySwap]
