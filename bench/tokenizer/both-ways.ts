import type { Figure } from '../main.ts';
import { speeds } from './ratios.ts';
import { longSlices } from './texts.ts';
import { load } from './vocabularies.ts';

const files = { cl100k: 'tiktoken/cl100k_base.tiktoken', gpt2: 'hf/gpt2.json' };

/** Encoding with offsets, as a share of the speed without. */
export async function offsets(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, path] of Object.entries(files)) {
    // Each way has a tokenizer of its own, to which every slice is new.
    const [first, second, third] = [await load(path), await load(path), await load(path)];
    for (const [kind, slices] of Object.entries(longSlices())) {
      const found = await speeds(slices, {
        ids: (part) => first.encode(part),
        offsets: (part) => second.encodeWithOffsets(part),
        everything: (part) => third.encoding(part),
      });
      for (const way of ['offsets', 'everything'] as const)
        figures.push(
          { what: `${name}, ${kind}: with ${way}`, value: found[way]!, unit: 'MB/s' },
          { what: `${name}, ${kind}: with ${way} to ids only`, value: found[way]! / found.ids!, unit: '×' },
        );
    }
  }
  return figures;
}

/** Ids to text. */
export async function decoding(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, path] of Object.entries(files)) {
    const tokenizer = await load(path);
    tokenizer.decode([0]); // makes its table
    const encoded = new Map<string, Int32Array>();
    const ids = (part: string): Int32Array => {
      if (!encoded.has(part)) encoded.set(part, tokenizer.encode(part));
      return encoded.get(part)!;
    };
    for (const [kind, slices] of Object.entries(longSlices())) {
      const found = await speeds(slices, { encode: ids, decode: (part) => tokenizer.decode(ids(part)) });
      figures.push({ what: `${name}, ${kind}: decode`, value: found.decode!, unit: 'MB/s' });
    }
  }
  return figures;
}
