/** Letting in a new device at a terminal, from both sides: over the server, or with two QR codes and no network. */
import { MlsError } from '../bytes/errors.ts'
import type { Storage } from '../ports/storage.ts'
import type { IdentityClient } from '../xmpp/identity/client.ts'
import { OfflineLink } from '../xmpp/identity/offline-link.ts'
import type { Timers } from '../xmpp/port.ts'
import { show } from './identity-flows.ts'
import { harmless } from './paint.ts'
import type { Person } from './person.ts'
import { qrLines } from './qr-code.ts'

/** The new device: shows QR1, takes six digits, shows four, and waits to be let in over the server. */
export async function linkDevice(identity: IdentityClient, person: Person, name: string): Promise<void> {
  const link = await identity.link(name)
  await showRequest(link, person, 'xmpp-mls identity approve')
  try {
    await exchangeDigits(link, person)
    person.print(person.paint.dim('  waits for what the other device seals …'))
    await link.done
  } catch (error) {
    link.cancel()
    throw error
  }
  person.print(person.paint.good('  ✓ This device is in.'))
  show(identity, person)
}

/** As {@link linkDevice}, without a connection or a password: what the other device seals comes as a second QR code. */
export async function linkOffline(
  storage: Storage,
  person: Person,
  { account, name, timers }: { readonly account: string; readonly name: string; readonly timers?: Timers },
): Promise<void> {
  const { print, paint } = person
  const ports = timers === undefined ? {} : { ports: { timers } }
  const link = await OfflineLink.begin({ storage, name, account, ...ports })
  await showRequest(link, person, 'xmpp-mls identity approve --offline')
  try {
    await exchangeDigits(link, person)
    const text = await person.ask('Then paste or scan what it shows:')
    if (text === '') throw new Error('given up: nothing was changed')
    await link.openText(text)
  } catch (error) {
    link.cancel()
    throw error
  }
  print(paint.good(`  ✓ This device is in: it belongs to ${harmless(account)}.`))
  print(`    When it logs in for the first time it looks for its place on the list: xmpp-mls identity show ${account}`)
}

async function showRequest(
  { text }: { readonly text: string },
  { print, paint }: Person,
  command: string,
): Promise<void> {
  print(`On a device that is in already, run \`${command}\` and show it this:`)
  for (const line of await qrLines(text, paint)) print(line)
  print(paint.dim('or paste this text there:'))
  print(text)
}

async function exchangeDigits(link: { showCode(challenge: string): string }, person: Person): Promise<void> {
  const code = await untilTyped(person, 'The six digits that the other device shows:', async (typed) =>
    link.showCode(typed),
  )
  person.print(`Type these four digits on the other device:   ${person.paint.bold(code)}`)
}

/** On a steward: looks at QR1, shows six digits, takes four, and lets the device in. */
export async function approveDevice(
  identity: IdentityClient,
  person: Person,
  options: { readonly steward: boolean; readonly offline: boolean; readonly text: string | undefined },
): Promise<void> {
  const { print, paint } = person
  const text = options.text ?? (await person.ask('Paste or scan what the new device shows:'))
  const approval = await identity.review(text)
  print(
    `A device that calls itself "${harmless(approval.name)}" (${approval.device.slice(0, 8)}) wants to speak as you.`,
  )
  print(
    paint.note(
      '  ! Go on only with the device in your own hands. Whoever asks you to do this for them is after your account.',
    ),
  )
  print(`Type these six digits on the new device:   ${paint.bold(approval.challenge)}`)
  const { steward, offline } = options
  const sealed = await untilTyped(person, 'The four digits that the new device shows then:', (typed) =>
    approval.approve(typed, { steward, via: offline ? 'qr' : 'server' }),
  )
  if (sealed !== undefined) {
    print('Show this to the new device:')
    for (const line of await qrLines(sealed, paint)) print(line)
    print(sealed)
  }
  print(paint.good('  ✓ It is in. For one day it cannot let in others; your other devices are told of it.'))
}

/** Asks until what is typed has the right form; wrong digits of the right form are for `take` to refuse. */
async function untilTyped<T>(person: Person, question: string, take: (typed: string) => Promise<T>): Promise<T> {
  for (;;) {
    const typed = await person.ask(question)
    if (typed === '') throw new Error('given up: nothing was changed')
    try {
      return await take(typed)
    } catch (error) {
      if (!(error instanceof MlsError) || error.code !== 'codec/text') throw error
      person.print(person.paint.bad('  ! That is mistyped.'))
    }
  }
}
