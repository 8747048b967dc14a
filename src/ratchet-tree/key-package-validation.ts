/** The rules of a KeyPackage, RFC 9420 §10 and §10.1, that need no signature. */
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { rejectDuplicateExtensions } from '../wire/extension.ts'
import type { KeyPackageTbs } from '../wire/key-package.ts'
import { defaultExtensionTypes, isGrease } from '../wire/registries.ts'
import { type LeafRules, supports, validateLeafNode } from './leaf-validation.ts'

/**
 * Checks a KeyPackage for a group, and its leaf.
 * @throws `key_package/version` V130; `key_package/cipher_suite` V131; `key_package/init_key` V133; `extension/unsupported`
 *   V136; `extension/duplicate` V137; `extension/container` V339; `crypto/key` V134; and as `validateLeafNode`
 */
export function validateKeyPackage(keyPackage: KeyPackageTbs, rules: Omit<LeafRules, 'source' | 'replaces'>): void {
  const { leafNode, initKey, extensions } = keyPackage
  // RFC 9420 §10.1 V130, V131: the parameters of the group
  check(keyPackage.version === rules.version, 'key_package/version', 'V130', 'a KeyPackage of another version')
  const suite = keyPackage.cipherSuite === rules.cipherSuite
  check(suite, 'key_package/cipher_suite', 'V131', 'a KeyPackage of another cipher suite')
  // RFC 9420 §10.1 V133
  const separate = !equalBytes(initKey, leafNode.encryptionKey)
  check(separate, 'key_package/init_key', 'V133', 'an init_key that is the encryption key of the leaf')
  // RFC 9420 §13.4 V137
  rejectDuplicateExtensions(extensions, 'V137')
  for (const { extensionType } of extensions) {
    // RFC 9420 §10 V136: an extension that we do not know is ignored, but it is listed; GREASE of other clients is not (V342)
    const listed = isGrease(extensionType) || supports(leafNode.capabilities, 'extensions', extensionType)
    check(listed, 'extension/unsupported', 'V136', 'a KeyPackage extension outside its capabilities')
    // RFC 9420 §13.4, §17.3 V339: those of RFC 9420 all have another place
    const allowed = !defaultExtensionTypes.has(extensionType)
    check(allowed, 'extension/container', 'V339', 'an extension that does not belong in a KeyPackage')
  }
  validateLeafNode(leafNode, { ...rules, source: 'key_package' })
  // RFC 9420 §10 V134
  check(rules.suite.isHpkePublicKey(initKey), 'crypto/key', 'V134', 'a KeyPackage with a bad init_key')
}
