import type { Colour } from './canvas.ts';

/** Dark blue, blue, green, yellow, red: the colours of heat maps, at equal steps. */
const HEAT: readonly Colour[] = [[0, 0, 96], [0, 96, 255], [64, 224, 160], [255, 232, 32], [208, 0, 0]]; // biome-ignore format: a table

/** A value in [0, 1] as the colour of a heat map; what lies outside is as the nearest. */
export function heat(value: number): Colour {
  const at = Math.min(1, Math.max(0, value)) * (HEAT.length - 1);
  const index = Math.min(HEAT.length - 2, Math.floor(at));
  return mixed(HEAT[index]!, HEAT[index + 1]!, at - index);
}

/** The way from one colour to another. */
export function mixed(from: Colour, to: Colour, share: number): Colour {
  const each = (i: 0 | 1 | 2): number => Math.round(from[i] + share * (to[i] - from[i]));
  return [each(0), each(1), each(2)];
}

/** Colours of classes that differ well, as Pascal VOC draws them: the bits of the number, spread over red, green and blue. 0 is black. */
export function classColour(index: number): Colour {
  const spread = (offset: number): number => {
    let value = 0;
    for (let bit = 0; bit < 8; bit++) value |= ((index >> (3 * bit + offset)) & 1) << (7 - bit);
    return value;
  };
  return [spread(0), spread(1), spread(2)];
}
