import type { Figure } from '../main.ts';
import { decoding, offsets } from './both-ways.ts';
import { loading } from './loading.ts';
import { longPieces } from './long-pieces.ts';
import { ratios } from './ratios.ts';
import { vocabularies } from './vocabularies.ts';

const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
  ...Object.fromEntries(Object.keys(vocabularies).map((name) => [name, () => ratios(name)])),
  offsets,
  decode: decoding,
  long: longPieces,
  load: loading,
};

/** Ours beside what npm has, one thread. @param names Vocabularies and other parts; all where there are none. */
export async function tokenizer(names: readonly string[]): Promise<Figure[]> {
  for (const name of names)
    if (!parts[name]) throw new RangeError(`there is no part '${name}'; there are: ${Object.keys(parts).join(', ')}`);
  const figures: Figure[] = [];
  for (const [name, measure] of Object.entries(parts))
    if (names.length === 0 || names.includes(name)) figures.push(...(await measure()));
  return figures;
}
