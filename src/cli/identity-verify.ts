/** Comparing identities at a terminal: one scan for both, sixty digits, seven emoji. */
import type { VerifyOutcome } from '../identity/verify-qr.ts'
import type { IdentityClient } from '../xmpp/identity/client.ts'
import type { EmojiVerification } from '../xmpp/identity/emoji-sessions.ts'
import { padTo } from './paint.ts'
import { agrees, type Person } from './person.ts'
import { qrLines } from './qr-code.ts'

/** What a scan came to, in one sentence. */
const outcomes: Readonly<Record<VerifyOutcome, string>> = {
  match: 'Both of you have the right identity of each other.',
  newer: 'The other person has renewed the identity, and that is not known here yet: look again in a moment.',
  older: 'The other person does not know yet that you have renewed your identity: look again in a moment.',
  theirs_differs: 'The code names another identity than the one that is known here: somebody is between you.',
  ours_differs: 'The other person knows another identity of you than your own: somebody is between you.',
}

/** Shows the digits, which both read to each other. */
export async function verifyByDigits(identity: IdentityClient, person: Person, account: string): Promise<boolean> {
  const { print, paint } = person
  const compare = await identity.digits(account)
  print('Read these digits to each other, over the telephone for instance. Both of you see the same:')
  for (const line of digitRows(compare.digits)) print(`      ${paint.bold(line)}`)
  const typed = await person.ask('Type "same" when they are the same, or the digits that the other one reads:')
  const same = typed.toLowerCase() === 'same' || compare.same(typed)
  if (same) await compare.confirm()
  print(same ? paint.good('  ✓ Verified.') : paint.bad('  ! Not verified: the digits differ.'))
  return same
}

/** Twelve groups in rows of four. */
function digitRows(digits: string): string[] {
  const groups = digits.replace(/\D/g, '').match(/.{5}/g) ?? []
  return [0, 4, 8].map((first) => groups.slice(first, first + 4).join('  '))
}

/** Takes what the other one shows, as text. */
export async function verifyByScan(
  identity: IdentityClient,
  person: Person,
  text: string,
  account: string | undefined,
): Promise<boolean> {
  const { print, paint } = person
  const found = await identity.scanCode(text, account)
  const match = found.outcome === 'match'
  print(
    match
      ? paint.good(`  ✓ ${found.account}: ${outcomes.match}`)
      : paint.bad(`  ! ${found.account}: ${outcomes[found.outcome]}`),
  )
  if (match && !found.answered)
    print(paint.dim('    The other device learns of it as soon as you are in a room together.'))
  return match
}

/** Shows a code; resolves when the other one has scanned it, or somebody presses Enter. */
export async function showVerifyCode(identity: IdentityClient, person: Person, account: string): Promise<boolean> {
  const { print, paint } = person
  await identity.contact(account)
  const code = identity.showCode(account)
  let verified = false
  const stop = identity.on('contact', (contact) => {
    if (contact.account !== account || contact.state !== 'VERIFIED' || verified) return
    verified = true
    print(paint.good('  ✓ Scanned: both of you are verified. Press Enter.'))
  })
  print('Let the other person scan this, or paste the text:')
  for (const line of await qrLines(code.text, paint)) print(line)
  print(code.text)
  await person.ask('Press Enter when it is done.')
  stop()
  code.close()
  return verified
}

/** Compares emoji; `begun`: a comparison that the other side has begun. */
export async function verifyByEmoji(
  identity: IdentityClient,
  person: Person,
  account: string,
  begun?: EmojiVerification,
): Promise<boolean> {
  const { print, paint } = person
  const session = begun ?? (await identity.emoji(account))
  if (begun === undefined) print(paint.dim('  waits for the other side …'))
  const emoji = await session.emoji
  print('Both of you must see these seven, in this order:')
  print(`      ${emoji.map((one) => padTo(one.emoji, 12)).join('')}`)
  print(`      ${emoji.map((one) => padTo(one.name, 12)).join('')}`)
  if (await agrees(person, 'Are they the same on the other screen?')) {
    await session.confirm()
    print(paint.good('  ✓ Verified.'))
    return true
  }
  session.cancel()
  print(paint.bad('  ! Not verified.'))
  return false
}
