import { expect } from 'chai';
import { type GenerateOptions, resolveOptions } from '../src/index.ts';

const resolve = (options: object) => () => resolveOptions(options as GenerateOptions);

describe('options of generate', () => {
  it('have the documented defaults; undefined counts as not given', () => {
    expect(resolve({ numBeams: undefined })()).to.include({
      maxNewTokens: 128,
      numBeams: 1,
      numBeamGroups: 1,
      lengthPenalty: 1,
      earlyStopping: false,
      numReturnSequences: 1,
      doSample: false,
      temperature: 1,
      topK: 0,
      topP: 1,
      repetitionPenalty: 1,
      outputLogprobs: false,
      seed: 0,
    });
  });

  it('that are unknown are named, with those there are', () => {
    expect(resolve({ num_beams: 4 })).to.throw(TypeError, /num_beams.*numBeams/);
  });

  const outOfRange: [string, unknown][] = [
    ['maxNewTokens', 0],
    ['maxNewTokens', 1.5],
    ['maxNewTokens', Number.NaN],
    ['numBeams', 0],
    ['numBeams', -1],
    ['lengthPenalty', Number.POSITIVE_INFINITY],
    ['temperature', 0],
    ['temperature', Number.NaN],
    ['topK', -1],
    ['topK', 2.5],
    ['topP', 0],
    ['topP', 1.1],
    ['seed', 0.5],
  ];
  for (const [name, value] of outOfRange)
    it(`reject ${name} ${value} by name`, () => {
      const sampling = ['temperature', 'topK', 'topP'].includes(name) ? { doSample: true } : {};
      expect(resolve({ ...sampling, [name]: value })).to.throw(RangeError, new RegExp(`^${name} must be.*${value}`));
    });

  it('reject beams that sample', () => {
    expect(resolve({ doSample: true, numBeams: 2 })).to.throw(RangeError, /doSample.*numBeams/);
  });

  for (const [name, value] of [['temperature', 0.5], ['topK', 5], ['topP', 0.5]] as const) // biome-ignore format: a table
    it(`reject ${name} without doSample, except its default`, () => {
      expect(resolve({ [name]: value })).to.throw(RangeError, new RegExp(`${name}.*doSample`));
      expect(resolve({ [name]: name === 'topK' ? 0 : 1 })).to.not.throw();
    });
});
