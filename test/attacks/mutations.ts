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
/** The condition of a `check` is never false. */
const unchecked = (file: string, condition: string, rest: string): Patch =>
  identity(file, `check(${condition}, ${rest}`, `check(true, ${rest}`)

const strongOnly = identity(
  'rotation',
  `return equalBytes(rotation.newRootHash, nextRootHash) ? 'strong' : 'broken'`,
  `return 'strong'`,
)

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
    patches: [identity('contact', 'if (rootHash === undefined) return manifests.at(-1)', 'return manifests.at(-1)')],
  },
  {
    attack: '3',
    check: 'the head that was seen',
    patches: [identity('contact', 'if (pin.head !== undefined) return pin.head', '')],
  },
  {
    attack: '4',
    check: 'the end of freshness',
    patches: [
      identity('contact', 'if (pin.head !== undefined && now > pin.head.expiresAt) return', 'if (now < 0n) return'),
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
    patches: [identity('link', 'if (!equalBytes(utf8(digits), utf8(expected)))', 'if (expected.length === 0)')],
  },
  {
    attack: '19a',
    check: 'the challenge in what is sealed',
    patches: [
      identity(
        'link',
        `return ceremonyInput('Link Payload', request, challenge)`,
        `return ceremonyInput('Link Payload', request)`,
      ),
    ],
  },
  {
    attack: '19b',
    check: 'the request in the typed code',
    patches: [
      identity('link', `ceremonyInput('Link Code', request, challenge)`, `ceremonyInput('Link Code', challenge)`),
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
        'contact',
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
]
