export { Corpus } from './corpus.js';
export { runEpisode, type Climate, type EpisodeOptions, type EpisodeReport } from './episode.js';
export { FRAME_KINDS, kindOf, type FrameKind } from './frame-kinds.js';
export { FUZZ_TOPICS, recordCorpus } from './record-corpus.js';
