import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTopic, type EntryStore, type Topic } from '@icn/gossip';
import { generateKeyPair, isDid, type Did, type KeyPair } from '@icn/identity';
import { Keystore } from '@icn/identity/keystore';
import type { TrustClass } from '@icn/identity/trust';
import type { Transport } from '@icn/net';
import { NodeError } from './errors.js';
import type { NodeConfig } from './options.js';
import { SavedSet } from './saved-set.js';
import { LevelStore } from './store/level-store.js';
import { MemoryStore } from './store/memory-store.js';
import { createDefaultTransports, type TransportOptions } from './transports.js';
import { TrustRecord } from './trust/trust-record.js';

/** Parts of a node that can be swapped for others that keep the same port. */
export interface NodeAdapters {
  /** Keeps the entries; closed with the node. Default: LevelDB in `dataDir`, else memory. */
  readonly store?: EntryStore;
  /** Move the bytes; `listen` must then name addresses of their schemes. Default: QUIC, and TLS over TCP. */
  readonly transports?: (options: TransportOptions) => readonly Transport[];
  /**
   * How far each peer is trusted, by which its messages are taken faster or slower. Default: by the trust graph, and the
   * option `strangers`.
   */
  readonly classOf?: (peer: Did) => TrustClass;
}

/** What a node is made of before it starts. */
export interface NodeParts {
  readonly store: EntryStore;
  readonly createTransports: (options: TransportOptions) => readonly Transport[];
  readonly classOf: (peer: Did) => TrustClass;
  readonly trust: TrustRecord;
  readonly blocked: SavedSet<Did>;
  readonly left: SavedSet<Topic>;
  readonly keyPair: KeyPair;
  /** Whether the key pair was made just now. */
  readonly created: boolean;
}

/**
 * Opens what a node keeps. The store comes first: its lock makes this node the only writer of the folder, identity
 * included. Throws NodeError and IdentityError; nothing is left open then.
 */
export async function openParts(config: NodeConfig, adapters: NodeAdapters): Promise<NodeParts> {
  const store = adapters.store ?? (await openStore(config));
  const { dataDir, network, strangers } = config;
  const inFolder = (file: string) => (dataDir === undefined ? undefined : join(dataDir, file));
  let trust: TrustRecord | undefined;
  try {
    const identity = await openIdentity(config);
    const record = await TrustRecord.open({ keyPair: identity.keyPair, network, dataDir, strangers });
    trust = record;
    return {
      store,
      trust: record,
      classOf: adapters.classOf ?? ((peer) => record.classOf(peer)),
      createTransports: adapters.transports ?? createDefaultTransports,
      blocked: await SavedSet.open({ path: inFolder('blocked.json'), name: 'blocked peers', isValue: isDid }),
      left: await SavedSet.open({ path: inFolder('left.json'), name: 'topics left', isValue: isTopic }),
      ...identity,
    };
  } catch (error) {
    await trust?.close();
    await store.close();
    throw error;
  }
}

async function openStore({ dataDir }: NodeConfig): Promise<EntryStore> {
  if (dataDir === undefined) return new MemoryStore();
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, message: text } = error as NodeJS.ErrnoException;
    const reason = code === 'EEXIST' ? 'it is a file, not a folder' : text;
    const message = `cannot use ${dataDir} as data directory: ${reason}`;
    throw new NodeError('data-dir-unusable', message, { cause: error });
  }
  return LevelStore.open(join(dataDir, 'store'));
}

async function openIdentity({
  keyPair,
  dataDir,
  passphrase,
}: NodeConfig): Promise<Pick<NodeParts, 'keyPair' | 'created'>> {
  if (keyPair !== undefined) return { keyPair, created: false };
  if (dataDir === undefined) return { keyPair: generateKeyPair(), created: true };
  return new Keystore(join(dataDir, 'identity.json')).loadOrCreate(passphrase);
}
