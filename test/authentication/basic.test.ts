import { expect, test } from 'vitest'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { fromUtf8, utf8 } from '../../src/bytes/text.ts'
import type { CredentialBinding } from '../../src/ports/authentication-service.ts'

const key = new Uint8Array(32)
const basic = (identity: string): CredentialBinding => ({
  credential: { credentialType: 'basic', identity: utf8(identity) },
  signatureKey: key,
})
const x509: CredentialBinding = { credential: { credentialType: 'x509', certificates: [] }, signatureKey: key }

test('without options every basic credential is believed, and no other', async () => {
  const service = basicAuthentication()
  expect(await service.validate(basic('alice'), 'member')).toBe(true)
  expect(await service.validate(basic(''), 'external_sender')).toBe(true)
  expect(await service.validate(x509, 'member')).toBe(false)
  expect(service.clientKey).toBeUndefined()
})

test('V050 a successor has the same identity', () => {
  const service = basicAuthentication()
  expect(service.isSuccessor(basic('alice'), basic('alice'))).toBe(true)
  expect(service.isSuccessor(basic('alice'), basic('alicf'))).toBe(false)
  expect(service.isSuccessor(basic('alice'), x509)).toBe(false)
  expect(service.isSuccessor(x509, x509)).toBe(false)
})

test('with options the application decides', async () => {
  const asked: unknown[] = []
  const service = basicAuthentication({
    async validate(identity, signatureKey, role) {
      asked.push([fromUtf8(identity), signatureKey, role])
      return fromUtf8(identity) === 'alice'
    },
    isSuccessor: (current, next) => current[0] === next[0],
    clientKey: (identity) => fromUtf8(identity),
  })
  expect(await service.validate(basic('alice'), 'member')).toBe(true)
  expect(await service.validate(basic('mallory'), 'external_sender')).toBe(false)
  expect(await service.validate(x509, 'member')).toBe(false)
  expect(asked).toEqual([
    ['alice', key, 'member'],
    ['mallory', key, 'external_sender'],
  ])
  expect(service.isSuccessor(basic('alice'), basic('anna'))).toBe(true)
  expect(service.isSuccessor(basic('alice'), basic('bob'))).toBe(false)
  expect(service.clientKey?.(basic('alice'))).toBe('alice')
  expect(service.clientKey?.(x509)).toBeUndefined()
})
