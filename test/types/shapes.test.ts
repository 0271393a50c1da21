import type { LanguageModel } from '@rivulet/generation';
import type { Translator } from '@rivulet/seq2seq';
import type { Classifier, Embedder, InputEmbedder, Segmenting, TextTokenizer } from '@rivulet/stream';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { CausalLM } from '@rivulet/transformer';
import type { ImageClassifier, ImageEmbedder, ImageSegmenter, Segmentation } from '@rivulet/vision';

// Models satisfy the interfaces of the streams by shape; the type checker is the test.
const shapes = (
  translator: Translator,
  causal: CausalLM,
  tokenizer: Tokenizer,
  classifier: ImageClassifier,
  embedder: ImageEmbedder,
  segmenter: ImageSegmenter,
): unknown => [
  translator satisfies LanguageModel,
  causal satisfies LanguageModel & Embedder,
  tokenizer satisfies TextTokenizer,
  classifier satisfies Classifier<string>,
  embedder satisfies InputEmbedder<string>,
  segmenter satisfies Segmenting<string, Segmentation>,
];

describe('interfaces', () => {
  it('are satisfied by shape', () => {
    void shapes;
  });
});
