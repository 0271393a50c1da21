import { Tokenizer } from '../tokenizer.ts';
import { SentencePiece } from './model.ts';
import { PIECE, readSentencePieceFile } from './model-file.ts';

/**
 * A tokenizer of a SentencePiece `.model` file: `encode` gives what its `EncodeAsIds` gives, with no start or end tokens, and
 * takes control pieces such as `</s>` in a text as text.
 * @throws SentencePieceFormatError naming the field that is wrong, or not supported.
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array): Tokenizer {
  const file = readSentencePieceFile(bytes);
  const { pieces, unkSurface, normalizer } = file;
  const of = (type: number): string[] => pieces.filter((piece) => piece.type === type).map(({ piece }) => piece);
  return new Tokenizer({
    model: new SentencePiece(file),
    decoder: {
      type: 'SentencePiece',
      unknown: of(PIECE.unknown),
      unk_surface: unkSurface,
      control: of(PIECE.control),
      bytes: of(PIECE.byte).length > 0,
      add_dummy_prefix: normalizer.addDummyPrefix,
      remove_extra_whitespaces: normalizer.removeExtraWhitespaces,
    },
  });
}
