import type { LanguageModel } from '@rivulet/generation';
import type { Translator } from '@rivulet/seq2seq';
import type { Classifier, TextTokenizer } from '@rivulet/stream';
import type { Tokenizer } from '@rivulet/tokenizer';
import type { ImageClassifier } from '@rivulet/vision';

// Models satisfy the interfaces of the streams by shape; the type checker is the test.
const shapes = (translator: Translator, tokenizer: Tokenizer, classifier: ImageClassifier): unknown => [
  translator satisfies LanguageModel,
  tokenizer satisfies TextTokenizer,
  classifier satisfies Classifier<string>,
];

describe('interfaces', () => {
  it('are satisfied by shape', () => {
    void shapes;
  });
});
