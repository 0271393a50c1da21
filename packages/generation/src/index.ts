export type { GenerationEnd, GenerationEvent } from './events.ts';
export { generate } from './generate.ts';
export type { DecodingSession, LanguageModel } from './language-model.ts';
export { type GenerateOptions, type ResolvedOptions, resolveOptions } from './options.ts';
export { type SamplingOptions, sampleToken, uniformSource } from './sampler.ts';
export { argmax, logSumExp, topPositions } from './scores.ts';
