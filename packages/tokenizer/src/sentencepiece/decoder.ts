import type { Spec } from '../format.ts';

/** tokenizer.json's decoder of SentencePiece's tokens. @param blankBefore the text begins with a blank of the normalizer's, which goes. */
export const sentencePieceDecoder = (blankBefore: boolean): Spec => ({
  type: 'Sequence',
  decoders: [
    { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
    ...(blankBefore ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
  ],
});
