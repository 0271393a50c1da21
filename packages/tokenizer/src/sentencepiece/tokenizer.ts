import type { Spec } from '../format.ts';
import { Tokenizer } from '../tokenizer.ts';
import { SentencePiece } from './model.ts';
import { PIECE, readSentencePieceFile } from './model-file.ts';
import { SentencePieceFormatError } from './protobuf.ts';

export interface SentencePieceOptions {
  /** Puts the start token before a text. Default false. */
  readonly addBos?: boolean;
  /** Puts the end token behind a text. Default false. */
  readonly addEos?: boolean;
  /** Default: as the file says, `<s>` and `</s>` as a rule. */
  readonly bosToken?: string;
  readonly eosToken?: string;
}

/**
 * A tokenizer of a SentencePiece `.model` file: `encode` gives what its `EncodeAsIds` gives, with no start or end tokens unless
 * they are asked for, and takes control pieces such as `</s>` in a text as text.
 * @throws SentencePieceFormatError naming the field that is wrong, or not supported, or the token that the file lacks.
 */
export function tokenizerFromSentencePiece(bytes: Uint8Array, options: SentencePieceOptions = {}): Tokenizer {
  const file = readSentencePieceFile(bytes);
  const { pieces, unkSurface, normalizer } = file;
  const of = (type: number): string[] => pieces.filter((piece) => piece.type === type).map(({ piece }) => piece);
  const model = new SentencePiece(file);
  return new Tokenizer({
    model,
    postProcessor: around(model, options),
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

/** What stands around a text, and around each of two. */
function around(
  model: SentencePiece,
  { addBos, addEos, bosToken = model.file.bosPiece, eosToken = model.file.eosPiece }: SentencePieceOptions,
): Spec | null {
  if (!addBos && !addEos) return null;
  const names = [...(addBos ? [bosToken] : []), ...(addEos ? [eosToken] : [])];
  const special = names.map((name) => {
    const id = model.tokenToId(name);
    if (id === undefined) throw new SentencePieceFormatError(`pieces: there is no ${JSON.stringify(name)}`);
    return [name, { id: name, ids: [id], tokens: [name] }] as const;
  });
  const token = (add: boolean | undefined, name: string, type: number): object[] =>
    add ? [{ SpecialToken: { id: name, type_id: type } }] : [];
  const text = (id: string, type: number): object[] => [
    ...token(addBos, bosToken, type),
    { Sequence: { id, type_id: type } },
    ...token(addEos, eosToken, type),
  ];
  return {
    type: 'TemplateProcessing',
    single: text('A', 0),
    pair: [...text('A', 0), ...text('B', 1)],
    special_tokens: Object.fromEntries(special),
  };
}
