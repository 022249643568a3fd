import { parseTopic, type Reconcile } from '@icn/gossip';
import type { KeyPair } from '@icn/identity';
import type { TrustClass } from '@icn/identity/trust';
import { parseAddress } from '@icn/net';
import { z } from 'zod';
import { NodeError } from './errors.js';

/** A text that `parse` takes, turned into what it means. */
const parsed = <Value>(parse: (text: string) => Value) =>
  z.string().transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.issues.push({ code: 'custom', message: (error as Error).message, input: text });
      return z.NEVER;
    }
  });

/** What `createNode` takes: texts as people write them, all optional. */
export interface NodeOptions {
  /** Folder for identity, entries and blocked peers; without it the node lives in memory and forgets all when it ends. */
  readonly dataDir?: string | undefined;
  /** Of the identity in `dataDir`. One that is made now is kept under it; without it, in the clear for its user alone. */
  readonly passphrase?: string | undefined;
  /** The identity to use instead of the one in `dataDir`. */
  readonly keyPair?: KeyPair | undefined;
  /** Nodes of different networks never exchange entries. 1 to 64 printable characters without space. Default `icn`. */
  readonly network?: string | undefined;
  /**
   * Addresses to listen on, `quic://HOST:PORT` or `tls://HOST:PORT`; port 0 takes a free one; an empty list only dials.
   * Default: `quic://0.0.0.0:0` and `tls://0.0.0.0:0`, the latter alone on a machine without the native QUIC binary.
   */
  readonly listen?: readonly string[] | undefined;
  /** Peers to reach whatever discovery finds: `quic://HOST:PORT` or `tls://HOST:PORT`, with `?did=DID` to accept nobody else there. */
  readonly peers?: readonly string[] | undefined;
  /** Topics to follow from the start, besides those of which `dataDir` has entries. */
  readonly topics?: readonly string[] | undefined;
  /** Whether to announce this node in the local network and to look for others. Default true. */
  readonly mdns?: boolean | undefined;
  /** Whether to ask connected peers where others are, and to tell them whom this node knows. Default true. */
  readonly exchange?: boolean | undefined;
  /** How a node tells its peers what it holds, when they repair what differs: see `RECONCILE`. Default `auto`. */
  readonly reconcile?: Reconcile | undefined;
  /**
   * The trust class of a peer of whom neither this node nor anybody it trusts says anything better: see `TRUST_CLASSES`.
   * Default `federated`, so that a group which states no trust is not slowed.
   */
  readonly strangers?: TrustClass | undefined;
}

/** From the least trusted to the most. */
export const TRUST_CLASSES = [
  'isolated',
  'known',
  'partner',
  'federated',
] as const satisfies readonly TrustClass[];

/** By a clock of all authors, a Bloom filter of ids, a sketch of heads; `auto` takes what costs least. */
export const RECONCILE = ['auto', 'clock', 'bloom', 'sketch'] as const satisfies readonly Reconcile[];

const schema = z.strictObject({
  dataDir: z.string().min(1).optional(),
  passphrase: z.string().min(1).optional(),
  keyPair: z
    .custom<KeyPair>((value) => typeof value === 'object' && value !== null && 'seed' in value)
    .optional(),
  network: z
    .string()
    .regex(/^[!-~]{1,64}$/, 'a network name is 1 to 64 printable ASCII characters without space')
    .default('icn'),
  listen: z.array(parsed(parseAddress)).max(16).optional(),
  peers: z.array(parsed(parseAddress)).max(256).default([]),
  topics: z.array(parsed(parseTopic)).max(1_024).default([]),
  mdns: z.boolean().default(true),
  exchange: z.boolean().default(true),
  reconcile: z.enum(RECONCILE).default('auto'),
  strangers: z.enum(TRUST_CLASSES).default('federated'),
});

/** The same, understood and complete. */
export type NodeConfig = z.output<typeof schema>;

/** Throws `NodeError` `options-invalid`, naming each option that is wrong. */
export function parseOptions(options: NodeOptions): NodeConfig {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new NodeError('options-invalid', lines.join('; '));
}
