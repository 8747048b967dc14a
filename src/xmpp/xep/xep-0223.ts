// XEP-0223: Persistent Storage of Private Data via PubSub, version 1.1.1 (2023-03-23), https://xmpp.org/extensions/xep-0223.html

/** Node configuration for data that only the account itself may read; the access model must be verified (§5). */
export const privateNode: Readonly<Record<string, string>> = {
  'pubsub#access_model': 'whitelist',
  'pubsub#persist_items': 'true',
  'pubsub#max_items': 'max',
}
