import type { IdentityClient } from '../xmpp/identity/client.ts'
import { harmless } from './paint.ts'
import type { Person } from './person.ts'
import { sentenceOf } from './report.ts'

/** Tells what an identity finds while somebody sits there. Returns how to stop. */
export function tellProblems(identity: IdentityClient, { print, paint }: Pick<Person, 'print' | 'paint'>): () => void {
  const stops = [
    identity.on('alarm', ({ sentence }) => print(paint.bad(`  ! ${sentence}`))),
    identity.on('finding', ({ account, loudness, sentence }) => {
      if (sentence === undefined || loudness === 'silent' || account === identity.account) return
      const mark = { note: paint.dim, warning: paint.note, alarm: paint.bad }[loudness]
      print(mark(`  ${loudness === 'note' ? '*' : '!'} ${harmless(account)}: ${sentence}`))
    }),
    identity.on('own', ({ added, byThisDevice }) => {
      if (byThisDevice) return
      for (const { device } of added)
        if (device !== identity.status.device)
          print(
            paint.note(
              `  ! A new device (${device.slice(0, 8)}) speaks as you. Not yours? identity remove-device ${device.slice(0, 8)} --reason compromised`,
            ),
          )
    }),
    identity.on('error', (error) => print(paint.bad(`  ! ${sentenceOf(error)}`))),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
