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

  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ earlyStopping: 'always' }, /^earlyStopping/],
    [{ minLength: -1 }, /^minLength/],
    [{ eosTokenId: 'end' }, /^eosTokenId/],
    [{ badWordsIds: [[]] }, /^badWordsIds/],
    [{ badWordsIds: [3] }, /^badWordsIds/],
    [{ sequenceBias: [[[1], 'x']] }, /^sequenceBias/],
    [{ logitBias: { a: 1 } }, /^logitBias/],
    [{ stopStrings: [''] }, /^stopStrings/],
    [{ decoder: {} }, /^decoder/],
    [{ constraint: 'a*' }, /^constraint/],
    [{ assistantModel: 3 }, /^assistantModel/],
    [{ repetitionPenalty: 0 }, /^repetitionPenalty/],
    [{ doSample: true, minP: 1.5 }, /^minP/],
    [{ doSample: true, typicalP: 0 }, /^typicalP/],
    [{ doSample: true, epsilonCutoff: 1 }, /^epsilonCutoff/],
    [{ etaCutoff: 0.1 }, /etaCutoff.*doSample/],
    [{ maxLength: 9, maxNewTokens: 5 }, /maxLength and maxNewTokens/],
    [{ minNewTokens: 9, maxNewTokens: 5 }, /minNewTokens 9/],
    [{ minLength: 9, maxLength: 5 }, /minLength 9/],
    [{ numBeams: 4, numBeamGroups: 3, diversityPenalty: 1 }, /multiple/],
    [{ numBeams: 4, numBeamGroups: 2 }, /diversityPenalty/],
    [{ numBeams: 4, diversityPenalty: 1 }, /numBeamGroups/],
    [{ numReturnSequences: 2 }, /numReturnSequences/],
    [{ numBeams: 2, numReturnSequences: 3 }, /numReturnSequences/],
    [{ stopStrings: ['a'] }, /decoder/],
    [{ numBeams: 2, stopStrings: ['a'], decoder: { decodeStream() {} } }, /stopStrings and numBeams/],
    [{ numBeams: 2, constraint: { start() {} } }, /constraint and numBeams/],
    [{ numBeams: 2, promptLookupNumTokens: 3 }, /promptLookupNumTokens and numBeams/],
    [{ promptLookupNumTokens: 3, assistantModel: { open() {} } }, /assistantModel and promptLookupNumTokens/],
    [{ doSample: true, numReturnSequences: 2, promptLookupNumTokens: 3 }, /numReturnSequences/],
  ];
  for (const [options, message] of wrong)
    it(`reject ${JSON.stringify(options)}`, () => {
      expect(resolve(options)).to.throw(RangeError, message);
    });
});
