export { NodeError, type NodeErrorCode } from './errors.js';
export { createNode, type IcnNode, type NodeAdapters, type NodeStatus } from './node.js';
export type { NodeEvent, NodeListener } from './node-events.js';
export type { NodeOptions } from './options.js';
export { LevelStore } from './store/level-store.js';
export { MemoryStore } from './store/memory-store.js';
export type { Entry, Published, ReadOptions, TopicHandle } from './topic.js';
