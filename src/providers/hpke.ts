/**
 * DHKEM and HPKE in base mode, single shot (RFC 9180 §4.1, §5.1, §5.3, §6.1), for many recipients in one pass: each step is
 * done for all of them before the next one, so that a provider can compute several at once. One recipient is a batch of one.
 *
 * For suites whose KEM and HPKE use the same hash, and whose group computes at once; 1, 2 and 3.
 */
import { ascii, type Bytes, concatBytes, empty, equalBytes, wipe } from '../bytes/bytes.ts'
import { at, MlsError } from '../bytes/errors.ts'
import type { HpkeCiphertext, HpkeKeyPair, HpkeSealRequest } from '../crypto/cipher-suite.ts'
import { type SuiteParameters, tagLength } from '../crypto/suites.ts'
import { decryptError } from './decrypt-error.ts'
import { uint16 } from './noble/labeled-kdf.ts'
import type { SuiteParts } from './parts.ts'

/** The operations of RFC 9420 §5.1.3 and §8.3. Seeds are as many random bytes as a private key has. */
export interface BatchHpke {
  /** `DeriveKeyPair` of each input. @throws `crypto/key` */
  deriveKeyPairs(ikms: readonly Uint8Array[]): HpkeKeyPair[]
  /** One message for each recipient, with one seed for each. @throws `crypto/key` */
  sealMany(requests: readonly HpkeSealRequest[], seeds: readonly Uint8Array[]): HpkeCiphertext[]
  /** @throws `crypto/decrypt` */
  open(keyPair: HpkeKeyPair, kemOutput: Uint8Array, info: Uint8Array, aad: Uint8Array, ciphertext: Uint8Array): Bytes
  /** @throws `crypto/key` */
  senderExport(
    publicKey: Uint8Array,
    seed: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): { readonly kemOutput: Bytes; readonly exported: Bytes }
  /** @throws `crypto/decrypt` */
  receiverExport(
    keyPair: HpkeKeyPair,
    kemOutput: Uint8Array,
    info: Uint8Array,
    exporterContext: Uint8Array,
    length: number,
  ): Bytes
}

/** Bytes that a kernel opens in one go with all that comes before; for more of them that costs little. */
const longestInKernel = 1024
/** Candidates for a NIST scalar before a derivation is given up (RFC 9180 §7.1.3). */
const mostCandidates = 256

/** HPKE over the parts of a suite. */
export function createBatchHpke(
  { kem, kemId, kdfId, aeadId, hashLength, keyLength, nonceLength, privateKeyLength, publicKeyLength }: SuiteParameters,
  { kdf, aead, group, hpke: kernel }: Pick<SuiteParts, 'kdf' | 'aead' | 'group' | 'hpke'>,
): BatchHpke {
  const kemLabel = (label: string) => concatBytes(ascii('HPKE-v1KEM'), uint16(kemId), ascii(label))
  const hpkeLabel = (label: string) =>
    concatBytes(ascii('HPKE-v1HPKE'), uint16(kemId), uint16(kdfId), uint16(aeadId), ascii(label))
  const sized = (length: number, label: Uint8Array) => concatBytes(uint16(length), label)
  const labels = {
    dkpPrk: kemLabel('dkp_prk'),
    sk: sized(privateKeyLength, kemLabel('sk')),
    candidate: sized(privateKeyLength, kemLabel('candidate')),
    eaePrk: kemLabel('eae_prk'),
    sharedSecret: sized(hashLength, kemLabel('shared_secret')),
    infoHash: hpkeLabel('info_hash'),
    secret: hpkeLabel('secret'),
    key: sized(keyLength, hpkeLabel('key')),
    nonce: sized(nonceLength, hpkeLabel('base_nonce')),
    exporter: sized(hashLength, hpkeLabel('exp')),
    sec: hpkeLabel('sec'),
  }
  const baseMode = Uint8Array.of(0)
  const contextHead = concatBytes(baseMode, kdf.extract(empty, hpkeLabel('psk_id_hash')))

  /** `LabeledExtract("", label, secret)`. */
  function extractSecret(label: Uint8Array, secret: Uint8Array): Bytes {
    const input = concatBytes(label, secret)
    const prk = kdf.extract(empty, input)
    wipe(input)
    return prk
  }

  function deriveKeyPairs(ikms: readonly Uint8Array[]): HpkeKeyPair[] {
    if (kernel !== undefined && ikms.every(({ length }) => length === privateKeyLength))
      return kernel.deriveKeyPairs(labels, ikms)
    const dkpPrks = ikms.map((ikm) => extractSecret(labels.dkpPrk, ikm))
    try {
      if (kem === 'DHKEMP256') return dkpPrks.map(deriveScalar)
      const infos = ikms.map(() => labels.sk)
      const privateKeys = kdf.expandMany(dkpPrks, infos, privateKeyLength)
      const publicKeys = group.publicKeys(privateKeys)
      return privateKeys.map((privateKey, i) => {
        const publicKey = publicKeys[i]
        if (publicKey === undefined) throw new MlsError('crypto/key', 'no key pair can be derived')
        return { publicKey, privateKey }
      })
    } finally {
      wipe(...dkpPrks)
    }
  }

  /** The first candidate below the group order, RFC 9180 §7.1.3. */
  function deriveScalar(dkpPrk: Uint8Array): HpkeKeyPair {
    for (let counter = 0; counter < mostCandidates; counter++) {
      const privateKey = kdf.expand(dkpPrk, concatBytes(labels.candidate, Uint8Array.of(counter)), privateKeyLength)
      const [publicKey] = group.publicKeys([privateKey])
      if (publicKey !== undefined) return { publicKey, privateKey }
    }
    throw new MlsError('crypto/key', 'no key pair can be derived')
  }

  /** `ExtractAndExpand`; wipes `dhs`. */
  function sharedSecrets(dhs: readonly Bytes[], kemOutputs: readonly Uint8Array[], publicKeys: readonly Uint8Array[]) {
    const eaePrks = dhs.map((dh) => extractSecret(labels.eaePrk, dh))
    wipe(...dhs)
    const infos = kemOutputs.map((kemOutput, i) => concatBytes(labels.sharedSecret, kemOutput, at(publicKeys, i)))
    const secrets = kdf.expandMany(eaePrks, infos, hashLength)
    wipe(...eaePrks)
    return secrets
  }

  /** RFC 9420 §5.1.1 V032-V035. */
  function checkKeys(publicKeys: readonly Uint8Array[]): void {
    for (const publicKey of publicKeys)
      if (!group.isPublicKey(publicKey)) throw new MlsError('crypto/key', 'not a public key of the KEM')
  }

  function encapMany(publicKeys: readonly Uint8Array[], seeds: readonly Uint8Array[]) {
    checkKeys(publicKeys)
    const ephemeral = deriveKeyPairs(seeds)
    const privateKeys = ephemeral.map((pair) => pair.privateKey)
    const kemOutputs = ephemeral.map((pair) => pair.publicKey)
    const dhs = group.agreements(privateKeys, publicKeys)
    wipe(...privateKeys)
    const checked = dhs.map((dh) => {
      if (dh === undefined) throw new MlsError('crypto/key', 'the KEM refuses the public key')
      return dh
    })
    return { kemOutputs, secrets: sharedSecrets(checked, kemOutputs, publicKeys) }
  }

  /** @throws `crypto/decrypt` */
  function checkDecap({ publicKey, privateKey }: HpkeKeyPair, kemOutput: Uint8Array): void {
    // the length of the own public key alone: it was checked when it was made
    const plausible = publicKey.length === publicKeyLength && privateKey.length === privateKeyLength
    if (!plausible || !group.isPublicKey(kemOutput)) throw decryptError()
  }

  function decap(keyPair: HpkeKeyPair, kemOutput: Uint8Array): Bytes {
    checkDecap(keyPair, kemOutput)
    const { publicKey, privateKey } = keyPair
    const [dh] = group.agreements([privateKey], [kemOutput])
    if (dh === undefined) throw decryptError()
    return at(sharedSecrets([dh], [kemOutput], [publicKey]), 0)
  }

  /** The `key_schedule_context` of each info in base mode; neighbours are often equal. */
  function contextsOf(infos: readonly Uint8Array[]): Bytes[] {
    let last: { info: Uint8Array; context: Bytes } | undefined
    return infos.map((info) => {
      if (last === undefined || (last.info !== info && !equalBytes(last.info, info)))
        last = { info, context: concatBytes(contextHead, kdf.extract(empty, labels.infoHash, info)) }
      return last.context
    })
  }

  /** `secret` of the key schedule (RFC 9180 §5.1); wipes the shared secrets. */
  function scheduleSecrets(shared: readonly Bytes[]): Bytes[] {
    const secrets = shared.map((secret) => kdf.extract(secret, labels.secret))
    wipe(...shared)
    return secrets
  }

  /** Key and nonce for each recipient: one message each, so that the nonce is the base nonce. Wipes the shared secrets. */
  function keysOf(shared: readonly Bytes[], infos: readonly Uint8Array[]): { keys: Bytes[]; nonces: Bytes[] } {
    const contexts = contextsOf(infos)
    const secrets = scheduleSecrets(shared)
    const expand = (label: Uint8Array, length: number) =>
      kdf.expandMany(
        secrets,
        contexts.map((context) => concatBytes(label, context)),
        length,
      )
    const keys = expand(labels.key, keyLength)
    const nonces = expand(labels.nonce, nonceLength)
    wipe(...secrets)
    return { keys, nonces }
  }

  /** `Context.Export` (RFC 9180 §5.3); wipes the shared secret. */
  function exportFrom(shared: Bytes, info: Uint8Array, exporterContext: Uint8Array, length: number): Bytes {
    const context = at(contextsOf([info]), 0)
    const secret = at(scheduleSecrets([shared]), 0)
    const exporterSecret = kdf.expand(secret, concatBytes(labels.exporter, context), hashLength)
    try {
      return kdf.expand(exporterSecret, concatBytes(uint16(length), labels.sec, exporterContext), length)
    } finally {
      wipe(secret, exporterSecret)
    }
  }

  const infosOf = (context: Bytes) => ({
    key: concatBytes(labels.key, context),
    nonce: concatBytes(labels.nonce, context),
  })

  /** Requests of one info each after the other, by a kernel that does all steps; nothing where it does not. */
  function sealInKernel(
    requests: readonly HpkeSealRequest[],
    seeds: readonly Uint8Array[],
  ): HpkeCiphertext[] | undefined {
    if (kernel === undefined) return undefined
    checkKeys(requests.map(({ publicKey }) => publicKey))
    const contexts = contextsOf(requests.map(({ info }) => info))
    const sealed: HpkeCiphertext[] = []
    for (let start = 0, end = 0; start < requests.length; start = end) {
      const context = at(contexts, start)
      while (end < requests.length && contexts[end] === context) end++
      const part = kernel.sealMany(labels, infosOf(context), requests.slice(start, end), seeds.slice(start, end))
      if (part === undefined) return undefined
      for (const one of part) sealed.push(one)
    }
    return sealed
  }

  return {
    deriveKeyPairs,
    sealMany(requests, seeds) {
      const fused = sealInKernel(requests, seeds)
      if (fused !== undefined) return fused
      const { kemOutputs, secrets } = encapMany(
        requests.map(({ publicKey }) => publicKey),
        seeds,
      )
      const { keys, nonces } = keysOf(
        secrets,
        requests.map(({ info }) => info),
      )
      const sealed = requests.map(({ aad, plaintext }, i) => ({
        kemOutput: at(kemOutputs, i),
        ciphertext: aead.seal(at(keys, i), at(nonces, i), aad, plaintext),
      }))
      wipe(...keys, ...nonces)
      return sealed
    },
    open(keyPair, kemOutput, info, aad, ciphertext) {
      if (kernel !== undefined && aad.length + ciphertext.length <= longestInKernel) {
        checkDecap(keyPair, kemOutput)
        if (ciphertext.length < tagLength) throw decryptError()
        return kernel.open(labels, infosOf(at(contextsOf([info]), 0)), keyPair, kemOutput, aad, ciphertext)
      }
      const { keys, nonces } = keysOf([decap(keyPair, kemOutput)], [info])
      try {
        return aead.open(at(keys, 0), at(nonces, 0), aad, ciphertext)
      } finally {
        wipe(...keys, ...nonces)
      }
    },
    senderExport(publicKey, seed, info, exporterContext, length) {
      const { kemOutputs, secrets } = encapMany([publicKey], [seed])
      return { kemOutput: at(kemOutputs, 0), exported: exportFrom(at(secrets, 0), info, exporterContext, length) }
    },
    receiverExport(keyPair, kemOutput, info, exporterContext, length) {
      return exportFrom(decap(keyPair, kemOutput), info, exporterContext, length)
    },
  }
}
