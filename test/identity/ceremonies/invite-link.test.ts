import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { checkInvite, type Invite, makeInviteLink, readInviteLink } from '../../../src/identity/invite-link.ts'
import { alice, anyText, bob, codeOf, labelled, sha256, slowBase32, suite, u32 } from './support.ts'

const rootHash = new Uint8Array(32).fill(7)
const invite: Invite = { account: alice, generation: 2, rootHash, parameters: [] }

function slowIdentity(account: string, generation: number, version = 1): string {
  const body = Buffer.concat([Buffer.of(version), u32(generation), rootHash])
  return slowBase32(Buffer.concat([body, sha256(labelled('Invite Checksum', account, body)).subarray(0, 4)]))
}

describe('invite link', () => {
  test('known answers', () => {
    expect(makeInviteLink(suite, invite)).toBe(
      `xmpp:alice@example.org?roster;identity=${slowIdentity('alice@example.org', 2)}`,
    )
    const odd = utf8('ann#o&b?é@münchen.example')
    const parameters = [{ name: 'roster' }, { name: 'preauth', value: 'a b;c=d' }]
    expect(makeInviteLink(suite, { ...invite, account: odd, parameters })).toBe(
      `xmpp:ann%23o%26b%3F%C3%A9@m%C3%BCnchen.example?roster;preauth=a%20b%3Bc%3Dd;identity=${slowIdentity('ann#o&b?é@münchen.example', 2)}`,
    )
  })

  test('comes back with all parameters', () => {
    const names = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/).filter((name) => name !== 'identity')
    const parameter = fc.oneof(
      fc.record({ name: names }),
      fc.record({ name: names, value: fc.string({ unit: 'grapheme', maxLength: 20 }) }),
    )
    const local = fc.stringMatching(/^[a-zé#?&;=+%]{1,12}$/)
    fc.assert(
      fc.property(
        local,
        fc.integer({ min: 0, max: 0xffffffff }),
        fc.array(parameter, { minLength: 1, maxLength: 4 }),
        (name, generation, parameters) => {
          const value = { account: utf8(`${name}@example.org`), generation, rootHash, parameters }
          expect(readInviteLink(suite, makeInviteLink(suite, value))).toEqual(value)
        },
      ),
    )
  })

  test('reads what other programs write', () => {
    const identity = slowIdentity('alice@example.org', 2)
    for (const link of [
      `XMPP:alice@example.org?roster;identity=${identity}#x`,
      ` xmpp://guest@example.com/alice@example.org?identity=${identity.toLowerCase()};roster `,
      `xmpp:alice%40example.org?;;identity=${identity};name=A`,
    ])
      expect(readInviteLink(suite, link)).toMatchObject({ account: alice, generation: 2, rootHash })
    expect(readInviteLink(suite, 'xmpp:alice@example.org')).toBeUndefined()
    expect(readInviteLink(suite, 'xmpp:alice@example.org?roster;preauth=1')).toBeUndefined()
  })

  test('a changed character is noticed, and so is another account', () => {
    const link = makeInviteLink(suite, invite)
    const from = link.indexOf('identity=') + 9
    for (let i = from; i < link.length; i++) {
      const other = link[i] === 'A' ? 'B' : 'A'
      const code = codeOf(() => readInviteLink(suite, link.slice(0, i) + other + link.slice(i + 1)))
      expect(['identity_invite/damaged', 'identity_invite/version']).toContain(code)
      expect(codeOf(() => readInviteLink(suite, link.slice(0, i)))).toBe('identity_invite/damaged')
    }
    expect(codeOf(() => readInviteLink(suite, link.replace('alice', 'alicf')))).toBe('identity_invite/damaged')
    expect(codeOf(() => readInviteLink(suite, `${link};identity=${slowIdentity('alice@example.org', 3)}`))).toBe(
      'identity_invite/damaged',
    )
  })

  test('other versions, other links and hostile ones', () => {
    const read = (link: string) => codeOf(() => readInviteLink(suite, link))
    expect(read(`xmpp:alice@example.org?identity=${slowIdentity('alice@example.org', 2, 2)}`)).toBe(
      'identity_invite/version',
    )
    expect(read('https://example.org/')).toBe('identity_invite/link')
    expect(read('xmpp:')).toBe('identity_invite/link')
    expect(read('xmpp:%FF@example.org?identity=0')).toBe('identity_invite/link')
    expect(read('xmpp:a%0Ab@example.org?identity=0')).toBe('identity/account')
    expect(read(`xmpp:${'a'.repeat(9_000)}@example.org`)).toBe('identity_invite/link')
    fc.assert(
      fc.property(anyText(80), (text) => {
        expect(read(`xmpp:alice@example.org?${text}`)).not.toBe('untyped')
        expect(read(`xmpp:${text}`)).not.toBe('untyped')
      }),
    )
  })

  test('a name of a parameter cannot smuggle another one in', () => {
    for (const name of ['identity', 'a=b', 'a;b', '', 'ü'])
      expect(codeOf(() => makeInviteLink(suite, { ...invite, parameters: [{ name }] }))).toBe('codec/range')
    expect(codeOf(() => makeInviteLink(suite, { ...invite, account: utf8('a\nb@example.org') }))).toBe(
      'identity/account',
    )
  })

  test('what a link says about a root that was found', () => {
    const found = { account: alice, generation: 2, rootHash }
    expect(checkInvite(invite, found)).toBe('link_verified')
    expect(checkInvite(invite, { ...found, rootHash: new Uint8Array(32) })).toBe('changed')
    expect(checkInvite(invite, { ...found, generation: 3, rootHash: new Uint8Array(32) })).toBe('walk_needed')
    expect(checkInvite(invite, { ...found, generation: 1 })).toBe('changed')
    expect(checkInvite(invite, { ...found, account: bob })).toBe('changed')
    expect(checkInvite(invite, { account: bob, generation: 3, rootHash })).toBe('changed')
  })
})
