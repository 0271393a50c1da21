import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

const data = new URL('../../../shared/data/text/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, data), 'utf8');
const column = (path: string, index: number): string =>
  read(path)
    .split('\n')
    .map((line) => line.split('\t')[index] ?? '')
    .join('\n');
const typescript = (): string =>
  readFileSync(new URL('../../node_modules/typescript/lib/typescript.js', import.meta.url), 'utf8');

/** Slices of a kind of text, each of which an encoder sees once; the first ones warm up. */
export interface Slices {
  readonly parts: readonly string[];
  readonly warmUp: number;
}

/** 16 slices of up to 60,000 characters of one text for each kind. */
export function shortSlices(): Readonly<Record<string, Slices>> {
  return {
    English: cut([read('tinyshakespeare/input.txt')], 16, 60_000, 5),
    Chinese: cut([read('xiyouji/xiyouji.txt')], 16, 60_000, 5),
    code: cut([typescript().slice(1e6, 2e6)], 16, 60_000, 5),
  };
}

/** Eight slices of up to 500,000 characters; each has a part of all the texts of its kind. */
export function longSlices(): Readonly<Record<string, Slices>> {
  const captions = gunzipSync(readFileSync(new URL('multi30k/train.en.gz', data))).toString();
  const messages = column('sms-spam/SMSSpamCollection', 1);
  const english = [
    read('tinyshakespeare/input.txt'),
    captions,
    column('cmn-eng/cmn.txt', 0),
    messages,
    read('timemachine/timemachine.txt'),
  ];
  const chinese = [read('xiyouji/xiyouji.txt'), column('cmn-eng/cmn.txt', 1)];
  return {
    English: cut(english, 8, 500_000, 2),
    Chinese: cut(chinese, 8, 500_000, 2),
    code: cut([typescript().slice(1e6)], 8, 500_000, 2),
  };
}

function cut(texts: readonly string[], count: number, most: number, warmUp: number): Slices {
  const parts = Array.from({ length: count }, (_, i) =>
    texts
      .map((text) => {
        const size = Math.floor(text.length / count);
        return text.slice(i * size, (i + 1) * size);
      })
      .join('')
      .slice(0, most),
  );
  return { parts, warmUp };
}
