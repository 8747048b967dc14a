/** Builds that lack a check: for each attack the text that is replaced, and what is then missing. */
export interface Patch {
  /** Path in the repository. */
  readonly file: string
  /** Text that stands there exactly once. */
  readonly from: string
  readonly to: string
}

/** A build on which an attack must succeed. */
export interface Mutation {
  /** The `id` of the attack. */
  readonly attack: string
  /** The check that the build lacks, in words. */
  readonly check: string
  readonly patches: readonly Patch[]
}

const identity = (file: string, from: string, to: string): Patch => ({ file: `src/identity/${file}.ts`, from, to })
const engine = (file: string, from: string, to: string): Patch => ({ file: `src/xmpp/mls/engine/${file}.ts`, from, to })
/** The condition of a `check` is never false. */
const unchecked = (file: string, condition: string, rest: string): Patch =>
  identity(file, `check(${condition}, ${rest}`, `check(true, ${rest}`)

const strongOnly = identity(
  'rotation',
  `return equalBytes(rotation.newRootHash, nextRootHash) ? 'strong' : 'broken'`,
  `return 'strong'`,
)

const certificateSignatures = identity(
  'group-certificates',
  'if (!results.every(Boolean))',
  'if (results.length === 0)',
)
/** What a server offers is looked at before it is added. */
const offered: Patch = {
  file: 'src/xmpp/mls/key-packages.ts',
  from: 'if (this.#owner.guard?.admits?.(account, device, keyPackage.leafNode) === false) return false',
  to: '',
}

const revocations = [
  identity('group-facts', 'if (head.revoked.some(', 'if (false && head.revoked.some('),
  identity('group-facts', 'if (!listed && head.seq', 'if (false && head.seq'),
]

/** See the file. */
export const mutations: readonly Mutation[] = [
  {
    attack: '1',
    check: 'the signature of manifests',
    patches: [unchecked('manifest', 'holds', `'identity/signature', 'I010'`)],
  },
  {
    attack: '2',
    check: 'the root of the link',
    patches: [
      identity('contact-publication', 'if (rootHash === undefined) return manifests.at(-1)', 'return manifests.at(-1)'),
    ],
  },
  {
    attack: '3',
    check: 'the head that was seen',
    patches: [identity('contact-publication', 'if (pin.head !== undefined) return pin.head', '')],
  },
  {
    attack: '4',
    check: 'the end of freshness',
    patches: [
      identity(
        'contact-state',
        'if (pin.head !== undefined && now > pin.head.expiresAt) return',
        'if (now < 0n) return',
      ),
    ],
  },
  {
    attack: '11b',
    check: 'the list of ids that were used',
    patches: [unchecked('manifest-rules', `entry.reason === 'superseded' || !ids.has(id)`, 'code')],
  },
  {
    attack: '12a',
    check: 'the end of replaced OPS keys',
    patches: [unchecked('continuity', 'kept', `code, 'I038'`)],
  },
  {
    attack: '12b',
    check: 'probation',
    patches: [
      identity('account', `hasFlag(device, 'steward') && !hasFlag(device, 'probation')`, `hasFlag(device, 'steward')`),
    ],
  },
  {
    attack: '12c',
    check: 'the notice on all devices',
    patches: [
      {
        file: 'src/xmpp/identity/client.ts',
        from: `void this.#events.emit('own', {`,
        to: `if (this.#signing > 0) void this.#events.emit('own', {`,
      },
    ],
  },
  { attack: '13', check: 'the root that was announced', patches: [strongOnly] },
  {
    attack: '14',
    check: 'the word of the old root',
    patches: [
      identity('rotation', `if (!rotation.provenByOld) return 'reset'`, `if (!rotation.provenByOld) return 'strong'`),
    ],
  },
  {
    attack: '15a',
    check: 'the gate for passphrases',
    patches: [unchecked('backup', 'accepted', `'identity_backup/passphrase'`)],
  },
  {
    attack: '15b',
    check: 'the floor under the cost',
    patches: [unchecked('backup-key', 'value >= least && value <= most', `'identity_backup/cost'`)],
  },
  {
    attack: '16',
    check: 'the number of the backup',
    patches: [
      identity('backup', 'known.counter !== undefined && counter < known.counter', 'false'),
      identity('backup', `if (later) findings.push('manifest_rollback')`, ''),
    ],
  },
  {
    attack: '17',
    check: 'the ceiling over the cost',
    patches: [unchecked('backup-key', 'value >= least && value <= most', `'identity_backup/cost'`)],
  },
  {
    attack: '18',
    check: 'the typed code',
    patches: [identity('link-steward', 'if (!equalBytes(utf8(digits), utf8(expected)))', 'if (expected.length === 0)')],
  },
  {
    attack: '19a',
    check: 'the challenge in what is sealed',
    patches: [
      identity(
        'link-transcript',
        `return ceremonyInput('Link Payload', request, challenge)`,
        `return ceremonyInput('Link Payload', request)`,
      ),
    ],
  },
  {
    attack: '19b',
    check: 'the request in the typed code',
    patches: [
      identity(
        'link-transcript',
        `ceremonyInput('Link Code', request, challenge)`,
        `ceremonyInput('Link Code', challenge)`,
      ),
    ],
  },
  {
    attack: '20',
    check: 'labels',
    patches: [
      identity('labels', `  writer.opaque(ascii(prefix + label))\n  writer.opaque(content)`, '  writer.raw(content)'),
    ],
  },
  {
    attack: '26',
    check: 'the pin of the root',
    patches: [
      identity(
        'contact-publication',
        `return { pin: { ...pin, offered: { rootHash, manifest } }, findings: [{ kind: 'changed', rootHash }] }`,
        'return { pin: { ...pin, rootHash, head: manifest }, findings: [] }',
      ),
    ],
  },
  {
    attack: '27',
    check: 'the signature of the old root, and its announcement',
    patches: [
      identity('rotation', `verifyRoot(suite, oldRoot, 'Rotation', content, oldSignature)`, 'true'),
      strongOnly,
    ],
  },
  ...['5', '5b'].map((attack) => ({
    attack,
    check: 'the comparison of heads in commits',
    patches: [identity('group-gossip', `return equalBytes(found, own) ? 'same' : 'different'`, `return 'same'`)],
  })),
  ...['6', '7b'].map((attack) => ({ attack, check: 'the list of revocations', patches: revocations })),
  {
    attack: '6b',
    check: 'the look at what is offered, and the list of revocations',
    patches: [offered, ...revocations],
  },
  {
    attack: '4b',
    check: 'the heads in messages',
    patches: [
      {
        file: 'src/xmpp/identity/head-exchange.ts',
        from: 'if (!headIsDue(this.#said.get(jid), group.epoch, head)) return []',
        to: 'if (head !== undefined) return []',
      },
    ],
  },
  {
    attack: '7a',
    check: 'the right to join',
    patches: [unchecked('group-rules', 'may', `'identity_group/adder', 'H6', 'a newcomer whom nobody let in'`)],
  },
  {
    attack: '8a',
    check: 'the certificate of a KeyPackage, before and in the commit',
    patches: [certificateSignatures, offered],
  },
  { attack: '8b', check: 'the signatures of certificates', patches: [certificateSignatures] },
  {
    attack: '9a',
    check: 'the account in what is signed',
    patches: [
      identity(
        'device-cert',
        '    account: copyBytes(subject.account),\n    deviceId',
        '    account: Uint8Array.of(97),\n    deviceId',
      ),
    ],
  },
  {
    attack: '9b',
    check: 'the device in what is signed',
    patches: [
      identity('device-cert', 'deviceId: copyBytes(subject.deviceId)', 'deviceId: new Uint8Array(deviceIdLength)'),
    ],
  },
  {
    attack: '10a',
    check: 'the look of addresses',
    patches: [identity('confusable', 'out += letters.get(character) ?? character', 'out += character')],
  },
  {
    attack: '10b',
    check: 'the comparison by bytes',
    patches: [
      identity(
        'group-rights',
        'roles.admins.some((admin) => equalBytes(admin, account))',
        'roles.admins.some((admin) => String.fromCharCode(...admin).toLowerCase() === String.fromCharCode(...account).toLowerCase())',
      ),
    ],
  },
  {
    attack: '11a',
    check: 'one leaf for each device',
    patches: [identity('group-index', 'if (devices.get(after.deviceKey) !== undefined)', 'if (leafIndex < 0)')],
  },
  {
    attack: '21',
    check: 'the rule that no clock decides',
    patches: [
      identity(
        'group-certificates',
        'checkDeviceCertTerms(this.#suite, cert)',
        `if (cert.notAfter * 1000n < BigInt(Date.now())) throw new Error('ended'); checkDeviceCertTerms(this.#suite, cert)`,
      ),
    ],
  },
  ...['22a', '22b'].map((attack) => ({
    attack,
    check: 'the right to add',
    patches: [unchecked('group-rules', 'may', `'identity_group/adder', 'H6', 'a leaf that was added by`)],
  })),
  {
    attack: '24a',
    check: 'the rule that a policy stays',
    patches: [
      identity(
        'group-rights',
        'if (before.policy !== undefined && after.policy === undefined)',
        'if (before.rotations === undefined)',
      ),
    ],
  },
  {
    attack: '24b',
    check: 'the certificate in every leaf',
    patches: [
      identity(
        'group-leaf',
        `if (certificate === undefined) throw refusedCertificate('a leaf without device certificate')`,
        'if (certificate === undefined) return { ...name, certificate, certificateEpoch }',
      ),
    ],
  },
  {
    attack: '23',
    check: 'the sender from the credential',
    patches: [
      engine(
        'messages',
        'const sender = participantOf(context, result.sender)',
        `const sender = { ...participantOf(context, result.sender), account: entry.from ?? '' }`,
      ),
    ],
  },
  ...['24c', '25a'].map((attack) => ({
    attack,
    check: 'the rule that only what was decrypted is a message',
    patches: [
      {
        file: 'src/xmpp/mls/room-ears.ts',
        from: 'if (mlsElementIn(entry.element) !== undefined) this.#session.pull()',
        to: `if (mlsElementIn(entry.element) !== undefined) this.#session.pull()
        else {
          const body = entry.element.children.find((one) => typeof one !== 'string' && one.name === 'body')?.children[0]
          this.#session.events.emit('message', { body, content: {}, sender: { account: entry.from } })
        }`,
      },
    ],
  })),
  {
    attack: '25b',
    check: 'the author of what is corrected',
    patches: [engine('messages', 'author !== undefined && author !== sender.account', 'author === null')],
  },
  {
    attack: '28',
    check: 'the watch over own messages in the archive',
    patches: [
      {
        file: 'src/group-store/rollback.ts',
        from: `return result.generation >= known && proven() ? 'own_message' : undefined`,
        to: 'return undefined',
      },
    ],
  },
  {
    attack: '29',
    check: 'the package of last resort',
    patches: [
      {
        file: 'src/xmpp/mls/key-packages.ts',
        from: 'if (!fresh.some(({ stored }) => stored.lastResort)) await this.#make(changes, true)',
        to: '',
      },
    ],
  },
  {
    attack: '30a',
    check: 'the hashes of the files',
    patches: [
      {
        file: 'scripts/release-files.ts',
        from: 'if (files[name] === there[name]) return []',
        to: 'if (name !== "") return []',
      },
    ],
  },
  {
    attack: '30b',
    check: 'the announced hash of the manifest',
    patches: [
      { file: 'scripts/release-files.ts', from: 'if (integrityOf(text) !== pinned)', to: 'if (pinned.length === 0)' },
    ],
  },
]
