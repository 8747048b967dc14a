/** What each step says to the user: short, in plain words, and what to do. Translations are made from these. */
const ceremonyWords = {
  recoverySave: 'Write these nine groups on paper. With them you get your account back when all devices are lost.',
  recoveryCheck: 'Type the code from your paper, so that you know it is right.',
  recoveryCharacter: 'Group {group} has a character that is not part of the code.',
  recoveryLength: 'The code has nine groups of four characters.',
  recoveryLengthGroup: 'Group {group} does not have four characters.',
  recoveryChecksum: 'Something in the code is wrong. Compare it with your paper.',
  recoveryChecksumGroup: 'Look at group {group} again: something in it is probably wrong.',

  backupPassphrase: 'Choose five or more words that have nothing to do with each other.',
  backupPassphraseWeak: 'This is too easy to guess. Add a word.',
  backupPassphraseOwnName: 'Your own name does not make it harder to guess. Use other words.',
  backupPassphraseRepeated: 'A repeated word does not make it harder to guess. Use another one.',
  backupSecretWrong: 'This code or passphrase does not open the backup.',
  backupKindCode: 'This backup opens with the recovery code on your paper.',
  backupKindPassphrase: 'This backup opens with your passphrase.',
  backupRollback: 'This is not your newest backup. What you saved later is missing.',
  backupManifestRollback:
    'The server shows an older list of your devices than your backup knows. Do not continue unless you know why.',
  backupEquivocation: 'There are two different lists of your devices. Somebody may be using your key.',

  linkShow: 'Scan this code with a device that you already use.',
  linkReview:
    'Add “{name}” to your account? It will read your messages and write in your name. Go on only if you hold it in your hands.',
  linkChallenge: 'Type these digits into the new device: {challenge}',
  linkChallengeMistyped: 'These digits are not right. Look again.',
  linkCode: 'Type these digits into your other device: {code}',
  linkType: 'Type the four digits that the new device shows. Nobody else will ever ask you for them.',
  linkWrongCode: 'The digits are different. This may be another device. Start again on the new device.',
  linkExpired: 'This took too long. Start again on the new device.',
  linkUsed: 'This code was used before. Start again on the new device.',
  linkDone: 'Added. All your devices get a notice; you can remove it there with one tap.',
  linkJoin: 'This device now belongs to {account}.',
  linkOtherAccount: 'This would add the device to another account. Nothing was changed.',

  verifyShow: 'Let your contact scan this. Nobody else should see it.',
  verifyShown: 'Does your contact’s device say that it worked?',
  verifyMatch: 'Verified. You know who you are talking to, on all of their devices.',
  verifyNewer: 'Your contact has a newer key. Go online for a moment and scan again.',
  verifyOlder:
    'Your contact has not seen your newest key yet. Ask them to go online for a moment and show the code again.',
  verifyTheirsDiffers:
    'This is not the key that you were shown for this contact. Somebody may be between you. Do not send secrets.',
  verifyOursDiffers: 'Your contact was shown another key for you. Somebody may be between you. Do not send secrets.',
  verifyOtherAccount: 'This is the code of somebody else.',
  verifyExpired: 'This took too long. Start again.',
  verifyDigits: 'Read these digits to each other, for instance by telephone. All of them must be the same.',
  verifyEmoji: 'Tell each other what you see, in this order. Do not write it here.',
  verifyDifferent: 'They are different. Somebody may be between you. Do not send secrets.',

  inviteShare: 'Give this link only to the person you want to talk to. It also says which key is yours.',
  inviteVerified: 'The key is the one from the link.',
  inviteChanged: 'The key is not the one from the link. Ask the person who sent it before you write.',
  inviteDamaged: 'A part of this link is missing or wrong. Ask for it again.',
} as const

/** A sentence of {@link ceremonyWords}. */
export type CeremonyWord = keyof typeof ceremonyWords
