import type { AddedToken } from './added-tokens.ts';
import { BPE } from './bpe.ts';
import { tokenBytes } from './byte-characters.ts';
import { ByteDecoder } from './byte-decoder.ts';
import type { Decoder } from './decoders/index.ts';
import { StagedText } from './decoders/staged-text.ts';
import type { Model } from './model.ts';
import type { DecodeOptions, DecodeStream } from './tokenizer-options.ts';

export interface TokenDecoderParts {
  readonly model: Model;
  readonly addedTokens: ReadonlyMap<number, AddedToken>;
  readonly vocabSize: number;
  readonly makeDecoder: Decoder;
  /** Whether the decoder puts bytes together, whatever their tokens. */
  readonly joinsBytes: boolean;
}

/** Ids to text. */
export class TokenDecoder {
  readonly #parts: TokenDecoderParts;
  readonly #special = new Set<string>();
  /** The short way, made when it is asked for. */
  #bytes: ByteDecoder | null = null;

  constructor(parts: TokenDecoderParts) {
    this.#parts = parts;
    for (const { content, special } of parts.addedTokens.values()) if (special) this.#special.add(content);
  }

  /** @throws RangeError naming an id that the vocabulary does not have. */
  decode(ids: ArrayLike<number>, options: DecodeOptions): string {
    if (this.#parts.joinsBytes)
      return this.#tokenBytes().decode(ids, options.skipSpecialTokens !== false, (id) => this.#missing(id));
    const stream = this.stream(options);
    let text = '';
    for (let i = 0; i < ids.length; i++) text += stream.push(ids[i]!);
    return text + stream.end();
  }

  /** One id at a time. */
  stream({ skipSpecialTokens = true }: DecodeOptions): DecodeStream {
    const text = new StagedText(this.#parts.makeDecoder());
    return {
      push: (id) => {
        const token = this.idToToken(id);
        if (token === undefined) return this.#missing(id);
        return skipSpecialTokens && this.#special.has(token) ? '' : text.push(token);
      },
      end: () => text.end(),
    };
  }

  /** The token as the vocabulary writes it. */
  idToToken(id: number): string | undefined {
    return this.#parts.addedTokens.get(id)?.content ?? this.#parts.model.idToToken(id);
  }

  #tokenBytes(): ByteDecoder {
    const { model, addedTokens, vocabSize } = this.#parts;
    this.#bytes ??= new ByteDecoder(
      vocabSize,
      (id) => {
        const added = addedTokens.get(id);
        if (added) return tokenBytes(added.content);
        if (model instanceof BPE) return model.tokenBytes(id);
        const token = model.idToToken(id);
        return token === undefined ? undefined : tokenBytes(token);
      },
      new Set([...addedTokens.values()].filter(({ special }) => special).map(({ id }) => id)),
    );
    return this.#bytes;
  }

  #missing(id: number): never {
    throw new RangeError(`there is no token ${id}: the vocabulary has the ids 0 to ${this.#parts.vocabSize - 1}`);
  }
}
