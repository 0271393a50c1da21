export { type AttentionContext, type CausalDecoder, type DecoderSizes, wholeText } from './attention-context.ts';
export { Attention, Block, type BlockConfig, Mlp } from './block.ts';
export { CausalLM, type CausalLMOptions } from './causal-lm.ts';
export type { SpecialTokens } from './compiled-decoder.ts';
export { GPT2, type GPT2Config, gpt2Weights, parseGPT2Config } from './gpt2.ts';
export { Llama, type LlamaConfig, parseLlamaConfig } from './llama.ts';
export { type DecoderGraph, decoderWithPast } from './with-past.ts';
