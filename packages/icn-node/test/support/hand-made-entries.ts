import { Gossip, parseTopic, type EntryParts, type GossipEffect } from '@icn/gossip';
import { randomBytes, type KeyPair } from '@icn/identity';

/** Valid entries of an author, made by the machine itself, for tests to send and to spoil. */
export function entriesOf(
  keyPair: KeyPair,
  network: string,
  topicName: string,
  payloads: readonly string[],
): EntryParts[] {
  const topic = parseTopic(topicName);
  const gossip = new Gossip({ keyPair, network, random: randomBytes });
  gossip.handle({ type: 'joined', topic, access: { type: 'Public' } }, 0);
  const effects: GossipEffect[] = payloads.flatMap((payload, ref) => [
    ...gossip.handle({ type: 'submitted', topic, payloads: [Buffer.from(payload)], ref }, Date.now()),
  ]);
  const writes = effects.flatMap((effect) => (effect.type === 'persist' ? effect.writes : []));
  return writes.flatMap((write) => (write.type === 'entry' ? [write.parts] : []));
}
