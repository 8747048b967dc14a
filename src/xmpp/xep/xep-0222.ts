// XEP-0222: Persistent Storage of Public Data via PubSub, version 1.0 (2008-09-08), https://xmpp.org/extensions/xep-0222.html

/** Node configuration for data that anybody may read, with every item kept. */
export const publicNode: Readonly<Record<string, string>> = {
  'pubsub#access_model': 'open',
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
}
