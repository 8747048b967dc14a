/** Attacks on what people run: the files that a server hands out. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  checkRelease,
  integrityOf,
  makeReleaseManifest,
  releaseManifestName,
  releaseText,
} from '../../../scripts/release-files.ts'
import { type Attack, stopped, succeeded } from '../attack.ts'

/** A copy of a release with what an attacker makes of it. */
function copied(tamper: (folder: string) => void): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-release-'))
  try {
    writeFileSync(join(folder, 'index.html'), '<script type="module" src="app.js"></script>')
    writeFileSync(join(folder, 'app.js'), 'start()')
    const text = releaseText(makeReleaseManifest(folder, '1.0.0'))
    writeFileSync(join(folder, releaseManifestName), text)
    // announced where the server of the files cannot change it
    const pinned = integrityOf(Buffer.from(text))
    if (checkRelease(folder, pinned).length > 0) throw new Error('the release itself does not pass')
    tamper(folder)
    return checkRelease(folder, pinned)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** 30a: one file is another. */
const changedFile: Attack = {
  id: '30a',
  name: 'a web build is served with another script',
  stoppedBy: 'changed: app.js',
  run: async () => {
    const [problem] = copied((folder) => writeFileSync(join(folder, 'app.js'), 'send(keys); start()'))
    return problem === undefined ? succeeded('the copy passes for the release') : stopped(problem)
  },
}

/** 30b: the manifest is made anew for it. */
const changedManifest: Attack = {
  id: '30b',
  name: 'a web build is served with another script and a manifest that fits',
  stoppedBy: 'another manifest than the one that was announced',
  run: async () => {
    const [problem] = copied((folder) => {
      writeFileSync(join(folder, 'app.js'), 'send(keys); start()')
      writeFileSync(join(folder, releaseManifestName), releaseText(makeReleaseManifest(folder, '1.0.0')))
    })
    return problem === undefined ? succeeded('the copy passes for the release') : stopped(problem)
  },
}

export const releaseAttacks: readonly Attack[] = [changedFile, changedManifest]
