import { parseTopic } from '@icn/gossip';
import type { KeyPair } from '@icn/identity';
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

const schema = z.strictObject({
  /** Where identity and entries are kept; without it the node lives in memory and forgets all when it ends. */
  dataDir: z.string().min(1).optional(),
  /** The identity to use instead of the one in `dataDir`. */
  keyPair: z
    .custom<KeyPair>((value) => typeof value === 'object' && value !== null && 'seed' in value)
    .optional(),
  /** Nodes of different networks never exchange entries. */
  network: z.string().min(1).max(64).default('icn'),
  /** Addresses to listen on; port 0 takes a free one. An empty list only dials. */
  listen: z
    .array(parsed(parseAddress))
    .max(16)
    .default([{ scheme: 'quic', host: '0.0.0.0', port: 0 }]),
  /** Peers to reach whatever discovery finds: `quic://HOST:PORT`, with `?did=DID` to accept nobody else there. */
  peers: z.array(parsed(parseAddress)).max(256).default([]),
  /** Topics to follow from the start. */
  topics: z.array(parsed(parseTopic)).max(1_024).default([]),
  /** Whether to announce this node and to find others by mDNS. */
  mdns: z.boolean().default(true),
});

/** What `createNode` takes: texts as people write them, all optional. */
export type NodeOptions = z.input<typeof schema>;
export type NodeConfig = z.output<typeof schema>;

/** Throws `NodeError` `options-invalid`, naming each option that is wrong. */
export function parseOptions(options: NodeOptions): NodeConfig {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new NodeError('options-invalid', lines.join('; '));
}
