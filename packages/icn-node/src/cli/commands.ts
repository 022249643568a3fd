import { PROTOCOL } from '@icn/gossip';
import { ControlClient, RefusedError } from '../control/control-client.js';
import { readAll } from '../control/read-input.js';
import type { ItemJson, StatusJson } from '../json.js';
import { Commits } from './commits.js';
import { itemLine, plural, print, printJson, shortDid } from './output.js';
import { peerLine, soughtLine } from './peer-lines.js';

/** What every command takes. */
export interface CommandOptions {
  readonly dataDir: string;
  readonly json: boolean;
}

/** Publishes `text`, or standard input where it is `-` or missing; with `lines`, each line of it on its own. */
export async function publish(
  topic: string,
  text: string | undefined,
  { dataDir, json, lines }: CommandOptions & { lines: boolean },
): Promise<number> {
  const client = new ControlClient(dataDir);
  const say = (published: { id: string; topic: string; seq: number }) =>
    json
      ? printJson(published)
      : print(`published to ${published.topic} as number ${published.seq}: ${published.id}`);
  if (!lines) {
    const readsInput = text === undefined || text === '-';
    await say(
      await client.publish(
        topic,
        readsInput ? await readAll(process.stdin, PROTOCOL.payloadBytesMax) : Buffer.from(text),
      ),
    );
    return 0;
  }
  let exitCode = 0;
  for await (const published of client.publishLines(topic, process.stdin)) {
    if ('error' in published) {
      exitCode = 1;
      reportError(new RefusedError(published), json);
    } else {
      await say(published);
    }
  }
  return exitCode;
}

export interface EntriesOptions extends CommandOptions {
  readonly from: string;
  readonly last?: string;
  /** Begins after what the consumer of that name has committed, and commits what is printed. */
  readonly consumer?: string;
  readonly follow: boolean;
}

export async function entries(topic: string, options: EntriesOptions): Promise<number> {
  const { dataDir, json, from, last, consumer, follow } = options;
  const client = new ControlClient(dataDir);
  if (consumer === undefined) {
    for await (const item of client.items(topic, { from, last, follow })) await printItem(item, json);
    return 0;
  }
  const commits = new Commits((position) => client.commit(topic, consumer, position));
  for await (const item of client.consumerItems(topic, consumer, follow)) {
    await printItem(item, json);
    commits.add(item.position);
  }
  await commits.settled();
  return 0;
}

function printItem(item: ItemJson, json: boolean): Promise<void> {
  return json ? printJson(item) : print(itemLine(item));
}

/** Lists the consumers of a topic, or forgets one. */
export async function consumers(
  topic: string,
  { dataDir, json, forget }: CommandOptions & { forget?: string },
): Promise<number> {
  const client = new ControlClient(dataDir);
  if (forget !== undefined) {
    const result = await client.forgetConsumer(topic, forget);
    await (json ? printJson(result) : print(`${forget} is forgotten: it would begin at position 1`));
    return 0;
  }
  const { consumers: all } = await client.consumers(topic);
  if (json) await printJson({ topic, consumers: all });
  else for (const [name, position] of Object.entries(all)) await print(`${name}  ${position}`);
  return 0;
}

export async function leave(topic: string, { dataDir, json }: CommandOptions): Promise<number> {
  const result = await new ControlClient(dataDir).leave(topic);
  const text = `${topic} is followed no more; its entries stay, and using it follows it again`;
  await (json ? printJson(result) : print(text));
  return 0;
}

export async function status({ dataDir, json }: CommandOptions): Promise<number> {
  const value = await new ControlClient(dataDir).status();
  if (json) await printJson(value);
  else for (const line of statusLines(value)) await print(line);
  return 0;
}

export async function peers({ dataDir, json }: CommandOptions): Promise<number> {
  const { peers: all, sought, blocked } = await new ControlClient(dataDir).status();
  if (json) {
    await printJson({ peers: all, sought, blocked });
    return 0;
  }
  for (const peer of all) await print(peerLine(peer));
  for (const peer of sought) await print(soughtLine(peer));
  for (const did of blocked) await print(`${did}  blocked`);
  if (all.length + sought.length + blocked.length === 0) await print('no peers yet');
  return 0;
}

export async function setBlocked(
  did: string,
  isBlocked: boolean,
  { dataDir, json }: CommandOptions,
): Promise<number> {
  const result = await new ControlClient(dataDir).setBlocked(did, isBlocked);
  if (json) await printJson(result);
  else
    await print(
      `${result.did} is ${isBlocked ? 'blocked: dropped, and refused until icn unblock' : 'let in again'}`,
    );
  return 0;
}

export function reportError(error: unknown, json: boolean): void {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const text = String(message ?? error);
  const shown = json
    ? JSON.stringify({ error: { code: typeof code === 'string' ? code : 'unexpected', message: text } })
    : `icn: ${text}`;
  process.stderr.write(`${shown}\n`);
}

function* statusLines({
  did,
  network,
  reconcile,
  addresses,
  peers: all,
  blocked,
  topics,
  traffic,
  counters,
}: StatusJson): Generator<string> {
  yield `node     ${did}`;
  yield `network  ${network}`;
  yield `repair   ${reconcile}`;
  for (const address of addresses) yield `address  ${address}`;
  for (const peer of all)
    yield `peer     ${shortDid(peer.did)}  ${peer.direction}  ${peer.address.split('?')[0]}`;
  for (const peer of blocked) yield `blocked  ${peer}`;
  for (const { topic, entries: entryCount, authors, root, subscribers, inSync } of topics) {
    yield `topic    ${topic}  ${plural(entryCount, 'entry', 'entries')} by ${plural(authors, 'author')}, root ${root.slice(0, 16)}, in sync with ${inSync.length} of ${plural(subscribers.length, 'peer')}`;
  }
  yield `traffic  ${plural(traffic.bytesSent, 'byte')} of gossip sent in ${plural(traffic.framesSent, 'frame')}, ${traffic.bytesReceived} received in ${traffic.framesReceived}`;
  const counted = Object.entries(counters).filter(([, count]) => count > 0);
  for (const [name, count] of counted) yield `counted  ${name}: ${count}`;
}
