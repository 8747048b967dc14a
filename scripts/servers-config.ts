import { prosodyModules } from './servers-locate.ts'

/** Ports of a server on 127.0.0.1: clients over TCP, other servers, and HTTP with WebSocket, upload and API. */
export interface ServerPorts {
  readonly client: number
  readonly server: number
  readonly http: number
}

/** What goes into a configuration file. */
export interface ServerConfig {
  readonly domain: string
  readonly folder: string
  readonly ports: ServerPorts
  readonly shaped?: boolean
  readonly s2sAddress?: string
  readonly outgoingPort?: number
}

/** Configuration of Prosody 0.12: every room archived, nothing expires, and no room outgrows its archive (10,000 by default). */
export function prosodyConfig({
  domain,
  folder,
  ports,
  shaped = false,
  s2sAddress = '127.0.0.1',
}: ServerConfig): string {
  return `run_as_root = true
pidfile = "${folder}/prosody.pid"
data_path = "${folder}/data"
plugin_paths = { "${prosodyModules() ?? ''}" }
log = { warn = "*console" }
interfaces = { "127.0.0.1" }
c2s_ports = { ${ports.client} }
s2s_ports = { ${ports.server} }
s2s_interfaces = { "${s2sAddress}" }
http_ports = { ${ports.http} }
http_interfaces = { "127.0.0.1" }
https_ports = {}
http_default_host = "${domain}"
http_external_url = "http://127.0.0.1:${ports.http}/"
modules_enabled = {
  "disco", "roster", "saslauth", "carbons", "dialback", "pep", "private", "bookmarks", "csi_simple", "ping",
  "mam", "websocket", "bosh", "offline", "register", "blocklist", "s2s_bidi"${shaped ? ', "limits"' : ''}
}
${shaped ? 'limits = { c2s = { rate = "10kb/s" } }' : ''}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
s2s_require_encryption = false
s2s_secure_auth = false
consider_websocket_secure = true
authentication = "internal_plain"
storage = "internal"
archive_expires_after = "never"
storage_archive_item_limit = 100000
max_archive_query_results = 250
VirtualHost "${domain}"
Component "conference.${domain}" "muc"
  modules_enabled = { "muc_mam" }
  muc_log_all_rooms = true
  muc_room_default_persistent = true
  muc_log_expires_after = "never"
Component "upload.${domain}" "http_file_share"
  http_file_share_size_limit = 100*1024*1024
  http_host = "${domain}"
`
}

/** Configuration of ejabberd 23.01 with archives in SQLite, rooms, channels and upload. */
export function ejabberdConfig(config: ServerConfig): string {
  const { domain, folder, ports, shaped = false, s2sAddress = '127.0.0.1', outgoingPort = 5269 } = config
  return `hosts: ["${domain}"]
listen:
  - {port: ${ports.client}, ip: "127.0.0.1", module: ejabberd_c2s, access: all, shaper: ${shaped ? 'c2s_shaper' : 'none'}, max_stanza_size: 262144}
  - {port: ${ports.server}, ip: "${s2sAddress}", module: ejabberd_s2s_in, max_stanza_size: 524288, shaper: none}
  - {port: ${ports.http}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {/ws: ejabberd_http_ws, /api: mod_http_api, /upload: mod_http_upload}}
loglevel: warning
auth_method: mnesia
auth_password_format: plain
s2s_use_starttls: optional
s2s_max_retry_delay: 1
outgoing_s2s_port: ${outgoingPort}
sql_type: sqlite
sql_database: "${folder}/db/ejabberd.sqlite"
default_db: mnesia
acl: {local: {user_regexp: ""}}
access_rules: {local: {allow: local}}
api_permissions: {all: {who: {ip: "127.0.0.1/8"}, what: "*"}}
shaper: {normal: {rate: 3000, burst_size: 20000}, fast: 200000}
shaper_rules: {c2s_shaper: {normal: all}, max_user_sessions: 20, max_user_offline_messages: 1000}
modules:
  mod_admin_extra: {}
  mod_caps: {}
  mod_carboncopy: {}
  mod_disco: {}
  mod_http_api: {}
  mod_http_upload: {put_url: "http://127.0.0.1:${ports.http}/upload", docroot: "${folder}/upload", max_size: 104857600}
  mod_mam: {db_type: sql, default: always, assume_mam_usage: true}
  mod_mix: {db_type: sql}
  mod_mix_pam: {db_type: sql}
  mod_muc: {max_users: 5000, access_create: all, access_persistent: all, access_mam: all, default_room_options: {mam: true, persistent: true, max_users: 5000}}
  mod_muc_admin: {}
  mod_offline: {access_max_user_messages: max_user_offline_messages}
  mod_ping: {}
  mod_private: {}
  mod_pubsub: {access_createnode: all, plugins: [flat, pep], max_items_node: 1000}
  mod_roster: {versioning: true}
  mod_s2s_dialback: {}
  mod_vcard: {search: false}
`
}
