/** Who may open an association to us: an AE title from an address. */
import { BlockList, isIPv6 } from 'node:net';

export interface Peer {
  /** What people call it; names it in logs. */
  readonly name: string;
  readonly aeTitle: string;
  /** IP addresses, or networks as 10.1.0.0/16. */
  readonly addresses: readonly string[];
}

export class PeerList {
  readonly #peers: readonly { readonly peer: Peer; readonly addresses: BlockList }[];

  constructor(peers: readonly Peer[]) {
    this.#peers = peers.map((peer) => ({ peer, addresses: blockListOf(peer.addresses) }));
  }

  /** @param address of the connection, as node:net gives it. */
  find(aeTitle: string, address: string): Peer | undefined {
    return this.#peers.find((entry) => entry.peer.aeTitle === aeTitle && contains(entry.addresses, address))?.peer;
  }

  /** Whether anyone may come from there. */
  knowsAddress(address: string): boolean {
    return this.#peers.some(({ addresses }) => contains(addresses, address));
  }
}

function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of addresses) {
    const [address, prefix] = entry.split('/') as [string, string?];
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

function contains(list: BlockList, address: string): boolean {
  // An IPv4 peer of a socket that listens on ::.
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  return list.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4');
}
