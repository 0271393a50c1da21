import type { GPT2Config } from 'rivulet';

/** GPT-2 of 124 million parameters. */
export const GPT2_SMALL: GPT2Config = { vocabSize: 50_257, nPositions: 1024, nEmbd: 768, nLayer: 12, nHead: 12 };
