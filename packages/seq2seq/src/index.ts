export { type GRUSeq2SeqConfig, parseGRUSeq2SeqConfig } from './config.ts';
export { type Encoded, GRUSeq2Seq, type Seq2SeqBatch } from './gru-seq2seq.ts';
export { Translator } from './translator.ts';
