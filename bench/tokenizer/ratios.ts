import type { Figure } from '../main.ts';
import { median } from '../median.ts';
import { texts } from './texts.ts';
import { type Encoders, vocabularies } from './vocabularies.ts';

const SLICE = 60_000;
/** Slices of a text that each encoder sees once; the first ones warm up. */
const SLICES = 16;
const WARM_UP = 5;

/** MB/s of each encoder on disjoint slices, taken in turn, every slice seen once by each. */
export async function speeds(text: string, encoders: Encoders): Promise<Record<string, number>> {
  const found: Record<string, number[]> = Object.fromEntries(Object.keys(encoders).map((name) => [name, []]));
  const size = Math.min(SLICE, Math.floor(text.length / SLICES));
  for (let slice = 0; slice < SLICES; slice++) {
    const part = text.slice(slice * size, (slice + 1) * size);
    const bytes = Buffer.byteLength(part);
    for (const [name, encode] of Object.entries(encoders)) {
      const start = performance.now();
      await encode(part);
      const speed = bytes / 1000 / (performance.now() - start);
      if (slice >= WARM_UP) found[name]!.push(speed);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

/** Ids only: the speed of ours and of each peer on each kind of text, and what ours is to the peer's. */
export async function ratios(vocabulary: string): Promise<Figure[]> {
  const encoders = await vocabularies[vocabulary]!();
  const figures: Figure[] = [];
  for (const [kind, text] of Object.entries(texts())) {
    const found = await speeds(text, encoders);
    for (const [name, value] of Object.entries(found)) {
      figures.push({ what: `${vocabulary}, ${kind}: ${name}`, value, unit: 'MB/s' });
      if (name !== 'ours')
        figures.push({ what: `${vocabulary}, ${kind}: ours to ${name}`, value: found.ours! / value, unit: '×' });
    }
  }
  return figures;
}
