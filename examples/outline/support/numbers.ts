import { type HostTensor, hostTensor } from 'rivulet';

const ONES = [
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen', 'nineteen'],
];
const TENS = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

/** All words of the numbers below 1,000; the first is no word. */
export const WORDS: readonly string[] = ['', ...ONES, ...TENS, 'hundred'];

/** 342: three, hundred, forty, two. */
export function inWords(n: number): string[] {
  if (n >= 100) return [ONES[Math.floor(n / 100)]!, 'hundred', ...(n % 100 ? inWords(n % 100) : [])];
  if (n >= 20) return [TENS[Math.floor(n / 10) - 2]!, ...(n % 10 ? [ONES[n % 10]!] : [])];
  return [ONES[n]!];
}

/** Words and figures of a number, at most, with the end. */
export const LENGTH = 4;
/** Behind the ten figures: the end, and the start. */
export const [END, START]: readonly [number, number] = [10, 11];

const rows = (ids: readonly (readonly number[])[], pad: number): HostTensor => {
  const padded = ids.map((row) => Array.from({ length: LENGTH }, (_, i) => row[i] ?? pad));
  return hostTensor(padded, 'int32');
};

/** int32 [B, LENGTH] */
export const words = (numbers: readonly number[]): HostTensor => {
  const ids = numbers.map((n) => inWords(n).map((word) => WORDS.indexOf(word)));
  return rows(ids, 0);
};

export const figuresOf = (n: number): number[] => Array.from(`${n}`, Number);
/** Figures and the end, int32 [B, LENGTH]. */
export const figures = (ids: readonly (readonly number[])[]): HostTensor => rows(ids, END);
/** The start and the figures but the last, int32 [B, LENGTH]: what is known when each of `figures` is asked for. */
export const shifted = (ids: readonly (readonly number[])[]): HostTensor => {
  const known = ids.map((row) => [START, ...row]);
  return rows(known, END);
};
