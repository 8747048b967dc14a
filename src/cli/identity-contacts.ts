/** Other people at a terminal: what is known of them, links that carry an identity, and identities that have changed. */
import { toHex } from '../bytes/text.ts'
import type { IdentityClient } from '../xmpp/identity/client.ts'
import type { IdentityContact } from '../xmpp/identity/types.ts'
import { contactLines } from './identity-lines.ts'
import { harmless } from './paint.ts'
import { agrees, type Person } from './person.ts'
import { qrLines } from './qr-code.ts'

/** Prints contacts: all, or one after looking at its nodes. */
export async function showContacts(
  identity: IdentityClient,
  { print, paint }: Pick<Person, 'print' | 'paint'>,
  account: string | undefined,
): Promise<void> {
  const others = identity.contacts.filter((one) => one.account !== identity.account)
  const contacts = account === undefined ? others : [await identity.contact(account)]
  if (contacts.length === 0) print('Nobody is known yet.')
  for (const contact of contacts) for (const line of contactLines(contact, paint)) print(line)
}

/** Takes the new identity of somebody without comparing it, after a warning. */
export async function acceptRoot(identity: IdentityClient, person: Person, account: string): Promise<void> {
  const { print, paint } = person
  const { known, offered } = await twoIdentities(identity, account)
  print(`  known here   ${known}`)
  print(`  now shown    ${toHex(offered)}`)
  print(paint.bad('  ! Nothing proves that the new one is of the same person. It is better to compare it with them:'))
  print(`    xmpp-mls identity verify ${identity.account} ${account} --digits`)
  if (!(await agrees(person, 'Take the new one without comparing it?'))) throw new Error('nothing was changed')
  await identity.accept(account, offered)
  print(paint.good('  ✓ The new identity is the one that counts now. It is not verified.'))
  await showContacts(identity, person, account)
}

/** Stays with the identity of somebody that is known. */
export async function keepRoot(identity: IdentityClient, person: Person, account: string): Promise<void> {
  await twoIdentities(identity, account)
  await identity.keep(account)
  person.print(
    person.paint.good('  ✓ The identity that was known before stays. You are warned again when another is shown.'),
  )
}

/** Takes a verification back. */
export async function unverify(identity: IdentityClient, person: Person, account: string): Promise<void> {
  await identity.unverify(account)
  person.print('  What you had compared does not count any more.')
  await showContacts(identity, person, account)
}

async function twoIdentities(
  identity: IdentityClient,
  account: string,
): Promise<{ readonly known: string; readonly offered: Uint8Array }> {
  const { offered, rootHash }: IdentityContact = await identity.contact(account)
  if (offered === undefined) throw new Error(`${account} shows no other identity than the one that is known`)
  return { known: rootHash === undefined ? 'none' : toHex(rootHash), offered }
}

/** Prints a link that carries the own identity. */
export async function showInvite(identity: IdentityClient, { print, paint }: Person): Promise<void> {
  const link = identity.inviteLink()
  print('Whoever follows this link meets you, and nobody else, under your address. Send it where you are known:')
  for (const line of await qrLines(link, paint)) print(line)
  print(link)
}

/** Follows a link of somebody. */
export async function followInvite(identity: IdentityClient, person: Person, link: string): Promise<void> {
  const account = await identity.followLink(link)
  if (account === undefined) throw new Error('this link carries no identity: it is an address and no more')
  person.print(person.paint.good(`  ✓ The link is of ${harmless(account)}.`))
  await showContacts(identity, person, account)
}
