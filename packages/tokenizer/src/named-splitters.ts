import { cl100kSplitter, gpt2Splitter, o200kSplitter, type Splitter } from './splitters.ts';

const makers: Readonly<Record<string, () => Splitter>> = {
  cl100k: cl100kSplitter,
  o200k: o200kSplitter,
  p50k: gpt2Splitter,
  r50k: gpt2Splitter,
};
const made = new Map<string, Splitter>();

/** The split of a known vocabulary, the same function for the same name; undefined for other names. */
export function namedSplitter(name: string): Splitter | undefined {
  if (!made.has(name) && Object.hasOwn(makers, name)) made.set(name, makers[name]!());
  return made.get(name);
}

/** The name of a split that `namedSplitter` gave. */
export function splitterName(splitter: Splitter): string | undefined {
  return [...made].find(([, one]) => one === splitter)?.[0];
}
