import type { Figure } from '../main.ts';
import { median } from '../median.ts';
import { longSlices, type Slices, shortSlices } from './texts.ts';
import { type Encoders, vocabularies } from './vocabularies.ts';

/** A peer that would need longer for a long slice, in seconds, is measured by short ones only. */
const LONGEST = 5;

/** MB/s of each encoder, taken in turn, every slice seen once by each. */
export async function speeds({ parts, warmUp }: Slices, encoders: Encoders): Promise<Record<string, number>> {
  const found: Record<string, number[]> = Object.fromEntries(Object.keys(encoders).map((name) => [name, []]));
  for (const [slice, part] of parts.entries()) {
    const bytes = Buffer.byteLength(part);
    for (const [name, encode] of Object.entries(encoders)) {
      const start = performance.now();
      await encode(part);
      const speed = bytes / 1000 / (performance.now() - start);
      if (slice >= warmUp) found[name]!.push(speed);
    }
  }
  return Object.fromEntries(Object.entries(found).map(([name, values]) => [name, median(values)]));
}

/**
 * Ids only: the speed of ours and of each peer on each kind of text, and what ours is to the peer's.
 *
 * Twice, each time with encoders of their own. A slice of 60,000 characters takes ours one or two milliseconds, right after the peers took
 * a quarter of a second and left nothing of its tables in the processor's caches: what is measured is, for a good part, how these
 * fill again, which a text pays once, however long. Slices of up to 500,000 characters tell how fast texts are encoded; the short
 * ones stand beside them.
 */
export async function ratios(vocabulary: string): Promise<Figure[]> {
  const figures: Figure[] = [];
  const short = await measure(vocabulary, shortSlices(), () => true);
  const length = ', 60,000 characters after the peers';
  const long = await measure(vocabulary, longSlices(), (kind, name, bytes) => {
    const seconds = bytes / 1e6 / short[kind]![name]!;
    if (seconds <= LONGEST) return true;
    process.stderr.write(`${vocabulary}, ${kind}: ${name} would need ${seconds.toFixed(0)} s for a long slice\n`);
    return false;
  });
  for (const [found, what] of [[long, ''] as const, [short, length] as const])
    for (const [kind, values] of Object.entries(found))
      for (const [name, value] of Object.entries(values)) {
        figures.push({ what: `${vocabulary}, ${kind}${what}: ${name}`, value, unit: 'MB/s' });
        if (name !== 'ours')
          figures.push({
            what: `${vocabulary}, ${kind}${what}: ours to ${name}`,
            value: values.ours! / value,
            unit: '×',
          });
      }
  return figures;
}

async function measure(
  vocabulary: string,
  texts: Readonly<Record<string, Slices>>,
  takes: (kind: string, name: string, bytes: number) => boolean,
): Promise<Record<string, Record<string, number>>> {
  const encoders = await vocabularies[vocabulary]!();
  const found: Record<string, Record<string, number>> = {};
  for (const [kind, slices] of Object.entries(texts)) {
    const bytes = Buffer.byteLength(slices.parts[0]!);
    found[kind] = await speeds(
      slices,
      Object.fromEntries(Object.entries(encoders).filter(([name]) => takes(kind, name, bytes))),
    );
  }
  return found;
}
