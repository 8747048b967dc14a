import { type DataForm, fieldTrue } from '../../xmpp/xep/xep-0004.ts'
import { mucRoomConfig } from '../../xmpp/xep/xep-0045.ts'
import type { Dialect } from './dialect.ts'

/** Settings of a room. */
export interface RoomConfig {
  membersOnly: boolean
  persistent: boolean
  public: boolean
  nonAnonymous: boolean
  archive: boolean
  /** Whether occupants see who is there. */
  presence: boolean
  changeSubject: boolean
}

/** A new room's settings; rooms have an archive unless their owner says no. */
export function freshConfig(): RoomConfig {
  return {
    membersOnly: false,
    persistent: true,
    public: true,
    nonAnonymous: false,
    archive: true,
    presence: true,
    changeSubject: false,
  }
}

/** The configuration form as the dialect offers it. */
export function configForm(config: RoomConfig, dialect: Dialect): DataForm {
  const yes = (name: string, value: boolean) => ({ var: name, type: 'boolean', values: [value ? '1' : '0'] })
  const fields = [
    yes('muc#roomconfig_persistentroom', config.persistent),
    yes('muc#roomconfig_publicroom', config.public),
    yes('muc#roomconfig_membersonly', config.membersOnly),
    yes('muc#roomconfig_changesubject', config.changeSubject),
    { var: 'muc#roomconfig_whois', type: 'list-single', values: [config.nonAnonymous ? 'anyone' : 'moderators'] },
    {
      var: 'muc#roomconfig_presencebroadcast',
      type: 'list-multi',
      values: config.presence ? everyRole : ['moderator'],
    },
    ...(dialect.roomArchiveField === undefined ? [] : [yes(dialect.roomArchiveField, config.archive)]),
  ]
  return { type: 'form', formType: mucRoomConfig, fields }
}

const everyRole = ['moderator', 'participant', 'visitor']

/** Takes over the fields of a submitted form; others stay. */
export function applyConfig(config: RoomConfig, form: DataForm, dialect: Dialect): void {
  const has = (name: string): boolean => form.fields.some((field) => field.var === name)
  const values = (name: string): readonly string[] => form.fields.find((field) => field.var === name)?.values ?? []
  if (has('muc#roomconfig_persistentroom')) config.persistent = fieldTrue(form, 'muc#roomconfig_persistentroom')
  if (has('muc#roomconfig_publicroom')) config.public = fieldTrue(form, 'muc#roomconfig_publicroom')
  if (has('muc#roomconfig_membersonly')) config.membersOnly = fieldTrue(form, 'muc#roomconfig_membersonly')
  if (has('muc#roomconfig_changesubject')) config.changeSubject = fieldTrue(form, 'muc#roomconfig_changesubject')
  if (has('muc#roomconfig_whois')) config.nonAnonymous = values('muc#roomconfig_whois')[0] === 'anyone'
  if (has('muc#roomconfig_presencebroadcast'))
    config.presence = values('muc#roomconfig_presencebroadcast').includes('participant')
  const archive = dialect.roomArchiveField
  if (archive !== undefined && has(archive)) config.archive = fieldTrue(form, archive)
}
