import { characterSet } from '../character-set.ts';
import { array, boolean, object, refuse, string } from '../format.ts';
import type { Normalized } from '../normalized.ts';
import { finder } from '../pattern.ts';
import { marks } from '../unicode-sets.ts';
import { bertNormalizer } from './bert.ts';
import { byteLevel, lowercase, nmt, strip, stripAccents } from './characters.ts';
import { precompiled } from './precompiled.ts';
import { unicodeForm } from './unicode-form.ts';

/** Changes a text before it is split. */
export type Normalizer = (text: Normalized) => void;

const anyMark = characterSet(marks);

const SUPPORTED =
  'Sequence, BertNormalizer, NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Replace, Prepend, Nmt, Precompiled, ByteLevel';

/** @throws TokenizerFormatError naming the field. */
export function readNormalizer(field: string, value: unknown): Normalizer {
  const json = object(field, value);
  switch (json.type) {
    case 'Sequence': {
      const list = array(`${field}.normalizers`, json.normalizers);
      const stages = list.map((stage, i) => readNormalizer(`${field}.normalizers[${i}]`, stage));
      return (text) => {
        for (const stage of stages) stage(text);
      };
    }
    case 'BertNormalizer':
      return bertNormalizer(field, json);
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = json.type;
      return (text) => unicodeForm(text, form);
    }
    case 'Lowercase':
      return lowercase;
    case 'Strip': {
      const left = boolean(`${field}.strip_left`, json.strip_left, true);
      const right = boolean(`${field}.strip_right`, json.strip_right, true);
      return (text) => strip(text, left, right);
    }
    case 'StripAccents':
      return (text) => stripAccents(text, anyMark);
    case 'Replace': {
      const find = finder(`${field}.pattern`, json.pattern);
      const content = string(`${field}.content`, json.content);
      const word = (json.pattern as { String?: string }).String;
      return (text) => {
        if (word && !text.starts) text.text = text.text.replaceAll(word, () => content);
        else text.replace(find(text.text), content);
      };
    }
    case 'Prepend': {
      const content = string(`${field}.prepend`, json.prepend);
      return (text) => text.prepend(content);
    }
    case 'Nmt':
      return nmt;
    case 'Precompiled':
      return precompiled(`${field}.precompiled_charsmap`, json.precompiled_charsmap);
    case 'ByteLevel':
      return byteLevel;
    default:
      return refuse(field, value, SUPPORTED);
  }
}
