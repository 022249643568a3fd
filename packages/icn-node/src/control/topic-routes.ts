import { GossipError, PROTOCOL } from '@icn/gossip';
import { parseDid } from '@icn/identity';
import { NodeError } from '../errors.js';
import { errorJson, itemJson, sessionsJson } from '../json.js';
import type { Item, TopicHandle } from '../topic.js';
import { line, respond, respondLines, write, type Call, type Route } from './call.js';
import { readAll, readLines } from './read-input.js';

/** Lines of one `--lines` request that are published together: four signatures. */
const LINES_TOGETHER_MAX = 64;
/** So many times as many wait for the disk at once; the input is not read further until then. */
const GROUPS_IN_FLIGHT_MAX = 4;

/** What the control socket does with topics. */
export const TOPIC_ROUTES: readonly Route[] = [
  { method: 'DELETE', path: /^\/v1\/topics\/([^/]+)$/, run: leave },
  { method: 'GET', path: /^\/v1\/topics\/([^/]+)\/items$/, run: getItems },
  { method: 'POST', path: /^\/v1\/topics\/([^/]+)\/entries$/, run: postEntry },
  { method: 'POST', path: /^\/v1\/topics\/([^/]+)\/lines$/, run: postLines },
  { method: 'GET', path: /^\/v1\/topics\/([^/]+)\/sessions$/, run: getSessions },
  { method: 'GET', path: /^\/v1\/topics\/([^/]+)\/consumers$/, run: getConsumers },
  { method: 'GET', path: /^\/v1\/topics\/([^/]+)\/consumers\/([^/]+)\/items$/, run: getConsumerItems },
  { method: 'PUT', path: /^\/v1\/topics\/([^/]+)\/consumers\/([^/]+)$/, run: commit },
  { method: 'DELETE', path: /^\/v1\/topics\/([^/]+)\/consumers\/([^/]+)$/, run: forget },
];

async function getItems(call: Call): Promise<void> {
  const { query, signal } = call;
  const from: number | 'end' = query.get('from') === 'end' ? 'end' : Number(query.get('from') ?? 1);
  const last = query.has('last') ? Number(query.get('last')) : undefined;
  const follow = query.get('follow') === 'true';
  // Who waits for entries to come wants the topic followed; who asks what is there may have misspelt it.
  const topic = follow ? topicOf(call) : followed(call);
  await sendItems(call, topic.items({ from, last, follow, signal }));
}

async function getConsumerItems(call: Call): Promise<void> {
  const { params, query, signal } = call;
  const follow = query.get('follow') === 'true';
  const topic = follow ? topicOf(call) : followed(call);
  const consumer = await topic.consumer(params[1] ?? '');
  await sendItems(call, consumer.items({ follow, signal }));
}

async function sendItems({ response, signal }: Call, items: AsyncIterable<Item>): Promise<void> {
  respondLines(response);
  for await (const item of items) await write(response, line(itemJson(item)), signal);
  response.end();
}

async function getConsumers(call: Call): Promise<void> {
  const topic = followed(call);
  const consumers = Object.fromEntries(await topic.consumers());
  respond(call.response, 200, { topic: topic.topic, consumers });
}

async function commit(call: Call): Promise<void> {
  const { params, query, response } = call;
  const consumer = await followed(call).consumer(params[1] ?? '');
  await consumer.commit(Number(query.get('position') ?? Number.NaN));
  const { topic, name, position } = consumer;
  respond(response, 200, { topic, consumer: name, position });
}

async function forget(call: Call): Promise<void> {
  const handle = followed(call);
  const { topic } = handle;
  const name = call.params[1] ?? '';
  if (!(await handle.consumers()).has(name))
    throw new NodeError('request-refused', `${topic} has no consumer ${name}`);
  await (await handle.consumer(name)).forget();
  respond(call.response, 200, { topic, consumer: name, forgotten: true });
}

async function getSessions(call: Call): Promise<void> {
  const { node, query, response } = call;
  const { topic } = followed(call);
  const peer = query.get('peer');
  const did = peer === null ? undefined : parseDid(peer);
  const bills = node.sessions(topic).filter((bill) => did === undefined || bill.peer === did);
  respond(response, 200, sessionsJson(topic, bills));
}

async function leave(call: Call): Promise<void> {
  const { topic } = followed(call);
  await call.node.leave(topic);
  respond(call.response, 200, { topic, left: true });
}

async function postEntry(call: Call): Promise<void> {
  const payload = await readAll(call.request, PROTOCOL.payloadBytesMax);
  respond(call.response, 200, await topicOf(call).publish(payload));
}

/**
 * Each line of the body that is not empty is an entry; the answer has a line for each, in order, as soon as it is
 * durable. Lines that come together are published together.
 */
async function postLines(call: Call): Promise<void> {
  const { request, response, signal } = call;
  const topic = topicOf(call);
  respondLines(response);
  const inFlight: Promise<void>[] = [];
  let answered = Promise.resolve();
  let lineCount = 0;
  // A line that is too long comes one byte longer than an entry takes, and one more for the CR that is taken off.
  const bounds = { lineBytesMax: PROTOCOL.payloadBytesMax + 2, togetherMax: LINES_TOGETHER_MAX };
  for await (const group of readLines(request, bounds)) {
    const first = lineCount + 1;
    const lines = group.map((bytes, index) => ({ number: first + index, payload: withoutReturn(bytes) }));
    lineCount += group.length;
    const results = publishLines(
      topic,
      lines.filter(({ payload }) => payload.length > 0),
    );
    answered = answered.then(async () => {
      for (const result of await results) await write(response, line(result), signal);
    });
    inFlight.push(answered);
    if (inFlight.length >= GROUPS_IN_FLIGHT_MAX) await inFlight.shift();
    if (signal.aborted) return;
  }
  await answered;
  response.end();
}

const CARRIAGE_RETURN = 0x0d;

/** A line as it is on systems that end lines with CR and LF. */
function withoutReturn(bytes: Uint8Array): Uint8Array {
  return bytes.at(-1) === CARRIAGE_RETURN ? bytes.subarray(0, -1) : bytes;
}

interface Line {
  readonly number: number;
  readonly payload: Uint8Array;
}

/** What came of each line: a line that is too long fails alone, the others together or not at all. */
async function publishLines(topic: TopicHandle, lines: readonly Line[]): Promise<readonly object[]> {
  const isTooLong = ({ payload }: Line) => payload.length > PROTOCOL.payloadBytesMax;
  const payloads = lines.filter((each) => !isTooLong(each)).map(({ payload }) => payload);
  const published = await topic
    .publishAll(payloads)
    .catch((error: unknown) => payloads.map(() => errorJson(error)));
  const results = published.values();
  return lines.map((each) => (isTooLong(each) ? tooLong(each) : (results.next().value as object)));
}

function tooLong({ number }: Line): object {
  const message = `line ${number} has more than ${PROTOCOL.payloadBytesMax} bytes, which is what an entry takes`;
  return errorJson(new GossipError('payload-too-large', message));
}

function topicOf({ node, params: [name = ''] }: Call): TopicHandle {
  return node.topic(name);
}

/** The topic of a request that must not follow it: it may have been misspelt. */
function followed(call: Call): TopicHandle {
  const { node, params } = call;
  const [name = ''] = params;
  if (node.follows(name)) return topicOf(call);
  const advice = `publish to it, tail it, or start the node with --topic ${name}`;
  throw new NodeError('request-refused', `this node does not follow ${name}: ${advice}`);
}
