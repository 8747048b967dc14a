import { expect, test } from 'vitest'
import { Secret } from '../../src/bytes/secret.ts'
import { SecretTree } from '../../src/secret-tree/secret-tree.ts'
import { suite, thrown } from './support.ts'

test('the tree grows from an encryption secret alone, and consumes it', () => {
  const misuse = () => {
    // @ts-expect-error an epoch secret is no encryption secret
    new SecretTree(suite, new Secret<'epoch_secret'>(new Uint8Array(32)), 2)
    // @ts-expect-error plain bytes are no secret
    new SecretTree(suite, new Uint8Array(32), 2)
    // @ts-expect-error there are two ratchets
    new SecretTree(suite, new Secret<'encryption_secret'>(new Uint8Array(32)), 2).seal(0, 'proposal')
  }
  expect(misuse).toBeTypeOf('function')
  const secret = new Secret<'encryption_secret'>(new Uint8Array(32))
  new SecretTree(suite, secret, 2)
  expect(secret.consumed).toBe(true)
  expect(thrown(() => new SecretTree(suite, secret, 2))).toEqual(['secret/consumed', undefined])
})

test('a width that no tree has is our own fault', () => {
  for (const leafCount of [0, 3, 5])
    expect(thrown(() => new SecretTree(suite, new Secret(new Uint8Array(32)), leafCount))?.[0]).toBe(
      'internal/unreachable',
    )
})
