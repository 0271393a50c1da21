import { array, boolean, character, count, type Json, object, refuse, string } from '../format.ts';
import { finder } from '../pattern.ts';
import { prependScheme } from '../pre-tokenizers/index.ts';
import { ByteFallbackStage, ByteLevelStage } from './bytes.ts';
import { SentencePieceStage } from './sentencepiece.ts';
import { type Emit, FuseStage, JoinStage, type Stage, TokenStage } from './stage.ts';

/** Makes the stages that turn tokens into text, fresh for every text. */
export type Decoder = () => Stage[];

const SUPPORTED = 'Sequence, ByteLevel, WordPiece, Metaspace, BPEDecoder, ByteFallback, Fuse, Strip, Replace, CTC';

/** @throws TokenizerFormatError naming the field. */
export function readDecoder(field: string, value: unknown): Decoder {
  if (value === null || value === undefined) return () => [new JoinStage(' ')];
  const json = object(field, value);
  switch (json.type) {
    case 'Sequence': {
      const list = array(`${field}.decoders`, json.decoders);
      const stages = list.map((stage, i) => readDecoder(`${field}.decoders[${i}]`, stage));
      return () => stages.flatMap((make) => make());
    }
    case 'ByteLevel':
      return () => [new ByteLevelStage()];
    case 'WordPiece': {
      const prefix = string(`${field}.prefix`, json.prefix ?? '##');
      const clean = boolean(`${field}.cleanup`, json.cleanup, true) ? cleanUp : (text: string) => text;
      return perToken((token, first) => {
        if (first) return clean(token);
        return clean(token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`);
      });
    }
    case 'Metaspace': {
      const replacement = character(`${field}.replacement`, json.replacement);
      const blank = prependScheme(field, json) === 'never' ? ' ' : '';
      return perToken((token, first) => token.replaceAll(replacement, first ? blank : ' '));
    }
    case 'BPEDecoder': {
      const suffix = string(`${field}.suffix`, json.suffix ?? '</w>');
      return perToken((token, _first, last) => token.replaceAll(suffix, last ? '' : ' '), true);
    }
    case 'ByteFallback':
      return () => [new ByteFallbackStage()];
    case 'Fuse':
      return () => [new FuseStage()];
    case 'Strip':
      return strip(field, json);
    case 'Replace': {
      const find = finder(`${field}.pattern`, json.pattern);
      const content = string(`${field}.content`, json.content);
      return perToken((token) => {
        let [text, done] = ['', 0];
        for (const [start, end] of find(token)) {
          text += token.slice(done, start) + content;
          done = end;
        }
        return text + token.slice(done);
      });
    }
    case 'SentencePiece': {
      new SentencePieceStage(field, json); // refuses settings now
      return () => [new SentencePieceStage(field, json)];
    }
    case 'CTC':
      return ctc(field, json);
    default:
      return refuse(field, value, SUPPORTED);
  }
}

type TokenRule = (token: string, first: boolean, last: boolean) => string | null;

/** @param needsLast whether the rule asks for the last token, so that one token has to be held back. */
function perToken(rule: TokenRule, needsLast = false): Decoder {
  return () => [new TokenStage(rule, needsLast)];
}

function strip(field: string, json: Json): Decoder {
  const content = character(`${field}.content`, json.content);
  const start = count(`${field}.start`, json.start);
  const stop = count(`${field}.stop`, json.stop);
  const both = (token: string): string => {
    const characters = [...token];
    let from = 0;
    while (from < Math.min(start, characters.length) && characters[from] === content) from++;
    let to = characters.length;
    while (to > from && characters.length - to < stop && characters[to - 1] === content) to--;
    return characters.slice(from, to).join('');
  };
  if (stop > 0) return perToken(both);
  // Only the start matters, so that a fused text need not be complete.
  return () => {
    let taken = 0;
    let begun = false;
    const stage: Stage = {
      push(text, last, emit: Emit) {
        let at = 0;
        while (!begun && taken < start && text.startsWith(content, at)) {
          at += content.length;
          taken++;
        }
        if (at < text.length) begun = true;
        emit(text.slice(at), last);
        if (last) [taken, begun] = [0, false];
      },
      end() {},
    };
    return [stage];
  };
}

function ctc(field: string, json: Json): Decoder {
  const pad = string(`${field}.pad_token`, json.pad_token ?? '<pad>');
  const delimiter = string(`${field}.word_delimiter_token`, json.word_delimiter_token ?? '|');
  const clean = boolean(`${field}.cleanup`, json.cleanup, true);
  return () => {
    let before: string | undefined;
    const rule: TokenRule = (token) => {
      if (token === before) return null;
      before = token;
      const text = token.replaceAll(pad, '');
      return (clean ? cleanUp(text).replaceAll(delimiter, ' ') : text) || null;
    };
    return [new TokenStage(rule, false)];
  };
}

/** English spacing around punctuation and contractions. */
function cleanUp(text: string): string {
  if (!text.includes(' ')) return text;
  return text
    .replaceAll(' .', '.')
    .replaceAll(' ?', '?')
    .replaceAll(' !', '!')
    .replaceAll(' ,', ',')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replaceAll(" 's", "'s")
    .replaceAll(" 've", "'ve")
    .replaceAll(" 're", "'re");
}
