import type { Normalized } from '../normalized.ts';
import { isASCII } from './characters.ts';

export type UnicodeForm = 'NFC' | 'NFD' | 'NFKC' | 'NFKD';

/**
 * Unicode's normalization forms, in the Unicode version of the engine. Offsets: a decomposed character's parts belong to it, a
 * composed one belongs to the first of its parts.
 */
export function unicodeForm(text: Normalized, form: UnicodeForm): void {
  const result = text.text.normalize(form);
  if (result === text.text) return;
  if (!text.starts || isASCII(text.text)) {
    text.text = result;
    return;
  }
  const decomposition = form === 'NFC' || form === 'NFD' ? 'NFD' : 'NFKD';
  // Equal characters keep their order when marks are sorted, so the k-th of a kind is the k-th of that kind again.
  const changesOf = new Map<string, number[]>();
  for (const character of text.text)
    [...character.normalize(decomposition)].forEach((part, i) => {
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
    return [...character.normalize('NFD')].reduce((sum, part, i) => sum + take(part) - (i > 0 ? 1 : 0), 0);
  });
  text.transform(characters, changes);
}
