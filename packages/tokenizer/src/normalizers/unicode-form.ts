import { characterSet } from '../character-set.ts';
import type { Normalized } from '../normalized.ts';
import { unknown } from '../unicode-sets.ts';
import { isASCII } from './characters.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

const newer = new RegExp(`(${characterSet(unknown).source})`, 'u');

/** Newer characters neither change nor let marks pass by. */
function normalized(text: string, form: UnicodeForm): string {
  const result = text.normalize(form);
  if (isASCII(text) || !newer.test(text)) return result;
  return text
    .split(newer)
    .map((part, i) => (i % 2 === 1 ? part : part.normalize(form)))
    .join('');
}

/**
 * Unicode's normalization forms, but for characters that are newer than the reference. Offsets: a decomposed character's parts belong to it, a
 * composed one belongs to the first of its parts.
 */
export function unicodeForm(text: Normalized, form: UnicodeForm): void {
  const result = normalized(text.text, form);
  if (result === text.text) return;
  if (!text.starts || isASCII(text.text)) {
    text.text = result;
    return;
  }
  const decomposition = form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD';
  // Equal characters keep their order when marks are sorted, so the k-th of a kind is the k-th of that kind again.
  const changesOf = new Map<string, number[]>();
  for (const character of text.text)
    [...normalized(character, decomposition)].forEach((part, i) => {
      const list = changesOf.get(part);
      if (list) list.push(i > 0 ? 1 : 0);
      else changesOf.set(part, [i > 0 ? 1 : 0]);
    });
  const used = new Map<string, number>();
  const take = (part: string): number => {
    const k = used.get(part) ?? 0;
    used.set(part, k + 1);
    return changesOf.get(part)?.[k] ?? 0;
  };
  const characters = [...result];
  const changes = characters.map((character) => {
    if (form === decomposition) return take(character);
    return [...normalized(character, 'NFD')].reduce((sum, part, i) => sum + take(part) - (i > 0 ? 1 : 0), 0);
  });
  text.transform(characters, changes);
}
