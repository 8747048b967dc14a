// `npm run sim -- identity`: one account with many devices, many contacts who have each compared once. What do the devices
// that come afterwards cost: certificates, questions, messages from person to person?

import { MemoryMedium, openMemoryStorage } from '../src/storage/memory.ts'
import { XmppService } from '../src/testing/xmpp/xmpp-service.ts'
import { IdentityClient } from '../src/xmpp/identity/client.ts'
import { identityNodes } from '../src/xmpp/identity/wire.ts'
import { bareJid } from '../src/xmpp/stanza/jid.ts'
import { presence } from '../src/xmpp/stanza/stanza.ts'

/** What was counted. */
export interface IdentityFigures {
  /** On the list at the end. */
  readonly devices: number
  /** Contacts who show the account as verified, with all of its devices. */
  readonly verified: number
  /** Comparisons that people made: one for each contact. */
  readonly comparisons: number
  /** Certificates that were published, and their bytes in all. */
  readonly certificates: number
  readonly certificateBytes: number
  /** Warnings and alarms that a contact was shown. */
  readonly questions: number
  /** Message stanzas from an account to another one while devices came. */
  readonly trustMessages: number
  /** What pairwise trust would take: each contact compares with each device. */
  readonly pairwise: number
}

/** Plays it on the embedded service in virtual time. */
export async function identityFigures(size: {
  readonly devices: number
  readonly contacts: number
  readonly seed?: string
}): Promise<IdentityFigures> {
  const service = new XmppService({ seed: size.seed ?? 'identities', sites: { 'a.test': 'prosody' } })
  const stop = service.clock.autoRun(1)
  const ends: (() => void)[] = [stop]
  const open = async (jid: string): Promise<IdentityClient> => {
    const port = service.connect(jid)
    await port.send(presence({}))
    const randomBytes = (length: number) => Uint8Array.from(service.random.randomBytes(length))
    const storage = await openMemoryStorage({ medium: new MemoryMedium(), randomBytes })
    const ports = { timers: service.clock, random: service.random }
    const identity = await IdentityClient.open({ xmpp: port, storage, ports })
    ends.push(() => identity.close())
    return identity
  }
  try {
    const account = 'alice@a.test'
    const first = await open(`${account}/0`)
    await first.create()
    const contacts: IdentityClient[] = []
    for (let i = 0; i < size.contacts; i++) {
      const contact = await open(`contact${i}@a.test/phone`)
      await contact.create()
      await (await contact.digits(account)).confirm()
      contacts.push(contact)
    }
    let questions = 0
    for (const contact of contacts)
      contact.on('finding', ({ loudness }) => {
        if (loudness === 'warning' || loudness === 'alarm') questions++
      })
    let trustMessages = 0
    service.intercept((stanza, to) => {
      const from = stanza.attrs['from']
      if (stanza.name === 'message' && from !== undefined && bareJid(from) !== bareJid(to)) trustMessages++
      return stanza
    })
    for (let i = 1; i < size.devices; i++) {
      const device = await open(`${account}/${i}`)
      const link = await device.link(`device ${i}`)
      const approval = await first.review(link.text)
      await approval.approve(link.showCode(approval.challenge))
      await link.done
    }
    for (const contact of contacts) await contact.refresh(account)
    const items = service.site(account).account(account).pep.nodes.get(identityNodes.certificates)?.items ?? new Map()
    const certificates = [...items.values()].flatMap((item) => item?.children ?? [])
    const shown = contacts.flatMap((contact) => contact.contacts.filter((one) => one.account === account))
    return {
      devices: first.status.devices.length,
      verified: shown.filter(({ state, devices }) => state === 'VERIFIED' && devices.length === size.devices).length,
      comparisons: contacts.length,
      certificates: certificates.length,
      certificateBytes: certificates.reduce((sum, one) => sum + base64Bytes(one), 0),
      questions,
      trustMessages,
      pairwise: size.devices * size.contacts,
    }
  } finally {
    for (const end of ends) end()
  }
}

function base64Bytes(element: unknown): number {
  const { children = [] } = element as { readonly children?: readonly unknown[] }
  return Buffer.from(children.filter((one) => typeof one === 'string').join(''), 'base64').length
}

/** Whether the figures are those of one identity for all devices. */
export function figuresHold(figures: IdentityFigures, size: { readonly devices: number; readonly contacts: number }) {
  const { devices, verified, certificates, questions, trustMessages } = figures
  const all = devices === size.devices && verified === size.contacts
  return all && certificates === size.devices && questions === 0 && trustMessages === 0
}

/** The figures as lines. */
export function figureLines(figures: IdentityFigures): string[] {
  const { devices, verified, comparisons, certificates, certificateBytes, questions, trustMessages, pairwise } = figures
  const row = (count: number, what: string): string => `  ${String(count).padStart(6)}  ${what}`
  return [
    `one account, ${devices} devices, ${comparisons} contacts`,
    row(comparisons, `comparisons by people (device by device it would be ${pairwise})`),
    row(verified, 'contacts show the account as verified with all of its devices'),
    row(certificates, `device certificates, ${certificateBytes} bytes in all, ${certificateBytes / certificates} each`),
    row(questions, 'questions or warnings to contacts about devices'),
    row(trustMessages, 'messages of trust from account to account'),
  ]
}
