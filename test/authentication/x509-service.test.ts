import { beforeAll, describe, expect, test } from 'vitest'
import { type X509Options, x509Authentication } from '../../src/authentication/x509-authentication.ts'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { utf8 } from '../../src/bytes/text.ts'
import type { CredentialBinding } from '../../src/ports/authentication-service.ts'
import { authority, entity, library, now, type Party, party, rawKey } from './x509-builder.ts'

const day = 86_400_000
let middle: Party
let alice: Party
let rootDer: Bytes
let middleDer: Bytes
let aliceDer: Bytes
let aliceKey: Bytes

beforeAll(async () => {
  const root = await party('CN=Root')
  middle = await party('CN=Middle')
  alice = await party('CN=Alice')
  rootDer = await authority(root, root)
  middleDer = await authority(middle, root)
  aliceDer = await entity(alice, middle)
  aliceKey = await rawKey(alice.keys)
})

function binding(certificates: Bytes[], signatureKey: Bytes = aliceKey): CredentialBinding {
  return { credential: { credentialType: 'x509', certificates }, signatureKey }
}

describe('the service', () => {
  const service = (options: Partial<X509Options> = {}) =>
    x509Authentication({ trustAnchors: [rootDer], clock: { now: () => now }, ...options })

  test('basic credentials are refused', async () => {
    const basic: CredentialBinding = {
      credential: { credentialType: 'basic', identity: utf8('CN=Alice') },
      signatureKey: aliceKey,
    }
    expect(await (await service()).validate(basic, 'member')).toBe(false)
    expect((await service()).isSuccessor(basic, basic)).toBe(false)
  })

  test('the application sees the names of a checked chain, and may refuse', async () => {
    const names = new library.SubjectAlternativeNameExtension([{ type: 'dns', value: 'alice.example' }])
    const chain = [await entity(alice, middle, { extensions: [names] }), middleDer]
    const seen: unknown[] = []
    const asking = await service({
      accept(identity, role) {
        seen.push([identity.subject, identity.subjectAltNames, identity.certificate, role])
        return role === 'member'
      },
    })
    expect(await asking.validate(binding(chain), 'member')).toBe(true)
    expect(await asking.validate(binding(chain), 'external_sender')).toBe(false)
    const about = ['CN=Alice', [{ type: 'dns', value: 'alice.example' }], chain[0]]
    expect(seen).toEqual([
      [...about, 'member'],
      [...about, 'external_sender'],
    ])
    expect(await asking.validate(binding([chain[0]!]), 'member')).toBe(false)
    expect(seen).toHaveLength(2)
  })

  test('V050 V058 a successor has the same names; the old certificate may have expired', async () => {
    const { isSuccessor } = await service()
    const names = new library.SubjectAlternativeNameExtension([{ type: 'dns', value: 'alice.example' }])
    const expired = await entity(alice, middle, { notBefore: now - 3 * day, notAfter: now - 2 * day })
    const renewed = await entity({ ...(await party('CN=Alice')) }, middle)
    const renamed = await entity(await party('CN=Alicf'), middle)
    const named = await entity(alice, middle, { extensions: [names] })
    const nobody = await entity(await party(''), middle)
    expect(isSuccessor(binding([expired, middleDer]), binding([renewed]))).toBe(true)
    expect(isSuccessor(binding([aliceDer]), binding([renamed]))).toBe(false)
    expect(isSuccessor(binding([aliceDer]), binding([named]))).toBe(false)
    expect(isSuccessor(binding([named]), binding([named]))).toBe(true)
    expect(isSuccessor(binding([nobody]), binding([nobody]))).toBe(false)
    expect(isSuccessor(binding([]), binding([]))).toBe(false)
    expect(isSuccessor(binding([new Uint8Array(9)]), binding([aliceDer]))).toBe(false)
  })

  test('a trust anchor that is no authority, or no certificate, is refused at once', async () => {
    await expect(service({ trustAnchors: [aliceDer] })).rejects.toMatchObject({ code: 'auth/x509' })
    await expect(service({ trustAnchors: [new Uint8Array(4)] })).rejects.toMatchObject({ code: 'auth/x509' })
  })

  test('errors of the application are not swallowed', async () => {
    const broken = await service({
      accept() {
        throw new Error('directory is down')
      },
    })
    await expect(broken.validate(binding([aliceDer, middleDer]), 'member')).rejects.toThrow('directory is down')
  })

  test('loading leaves no trace on the global Reflect', () => {
    expect(Object.keys(Object.getOwnPropertyDescriptors(Reflect)).filter((name) => /metadata/i.test(name))).toEqual([])
  })
})
