// XEP-0163: Personal Eventing Protocol, version 1.2.2 (2022-02-16), https://xmpp.org/extensions/xep-0163.html

/** The feature that asks an account's server for notifications of this node (§4). */
export function notifyFeature(node: string): string {
  return `${node}+notify`
}
