import { inTime } from './deadline.ts';
import type { GeneratedSequence, GenerationEvent, TokenEvent, TokenLogProb } from './events.ts';
import type { Run } from './generate.ts';
import type { LogitsProcessor } from './processors.ts';
import { logitRow, peakOf, topLogProbs, topPositions } from './scores.ts';

/** A chosen token and what its event tells of it. */
interface Made {
  readonly id: number;
  readonly logProb: number;
  readonly topLogProbs?: readonly TokenLogProb[];
}

/** A hypothesis: its tokens and the sum of their log-probabilities. */
interface Beam {
  readonly made: readonly Made[];
  readonly logProb: number;
}

interface Finished extends Beam {
  readonly score: number;
  readonly reason: 'eos' | 'length' | 'time';
  readonly end?: Made;
}

/** Beams that compete with one another; several groups only in diverse beam search. */
interface Group {
  beams: Beam[];
  /** Their rows in the step before. */
  parents: number[];
  finished: Finished[];
  done: boolean;
}

/**
 * Beam search as Hugging Face's `generate` does it: every step looks at the best continuations, twice as many as beams or more;
 * those that end the text are kept if they are among the first numBeams, the best others go on. With `numBeamGroups`, groups of
 * beams are searched one after the other, each kept off the tokens of those before it (https://arxiv.org/abs/1610.02424), by
 * the rules of transformers before 4.50, whose test for the end looks at the best candidate and not at the best beam.
 * A token is given out once every hypothesis that can still win has it.
 */
export async function* beamSearch(run: Run): AsyncGenerator<GenerationEvent> {
  const { session, options, maxNewTokens, signal, deadline } = run;
  const { numBeams, numBeamGroups, lengthPenalty, outputLogprobs } = options;
  const score = (logProb: number, length: number): number => logProb / length ** lengthPenalty;
  const groups = Array.from({ length: numBeamGroups }, (): Group => {
    return { beams: [{ made: [], logProb: 0 }], parents: [0], finished: [], done: false };
  });
  const size = numBeams / numBeamGroups;
  let given = 0;

  for (let length = 1; length <= maxNewTokens; length++) {
    const open = groups.filter(({ done }) => !done);
    const first = length === 1; // all groups begin with the same row
    const fed = first ? open.slice(0, 1) : open;
    const last = fed.flatMap(({ beams }) => beams.map(({ made }) => made.at(-1)?.id ?? session.firstToken));
    const parents = fed.flatMap((group) => group.parents);
    const logits = await inTime(() => session.step(last, parents), deadline);
    if (signal?.aborted) return;
    if (!logits) {
      for (const group of open) keepLive(group, { score, size, length: length - 1, reason: 'time' });
      break;
    }
    const chosen: number[] = []; // by the groups before
    let offset = 0;
    for (const group of groups) {
      if (group.done) {
        chosen.push(...new Array<number>(size).fill(run.eosTokenIds[0] ?? 0)); // Hugging Face pads a finished group
        continue;
      }
      const from = first ? 0 : offset;
      offset += group.beams.length;
      advance(run, group, { logits, from, length, size, chosen });
      chosen.push(...group.beams.map(({ made }) => made.at(-1)!.id));
    }
    if (length === maxNewTokens && numBeamGroups > 1)
      for (const group of groups) if (!group.done) keepLive(group, { score, size, length, reason: 'length' });
    if (groups.every(({ done }) => done)) break;
    const alive = groups.flatMap(({ beams, finished, done }) => (done ? finished : [...beams, ...finished]));
    for (const made of commonPrefix(alive, given)) {
      given++;
      yield tokenEvent(made, outputLogprobs);
      if (signal?.aborted) return;
    }
  }
  const all = groups.flatMap(({ finished }) => finished).sort((a, b) => b.score - a.score);
  if (all.length === 0) throw new RangeError('the options leave no text with a probability above 0');
  for (const made of all[0]!.made.slice(given)) yield tokenEvent(made, outputLogprobs);
  const sequences = all.slice(0, options.numReturnSequences).map((text) => sequence(text, outputLogprobs));
  const end = { type: 'generation-end', ...sequences[0]! } as const;
  yield options.numReturnSequences > 1 ? { ...end, sequences } : end;
}

interface Advance {
  readonly logits: Float32Array;
  /** The group's first row. */
  readonly from: number;
  /** Tokens that a hypothesis has after this step, an end token counted. */
  readonly length: number;
  readonly size: number;
  readonly chosen: readonly number[];
}

/** One step of one group. */
function advance(run: Run, group: Group, { logits, from, length, size, chosen }: Advance): void {
  const { eosTokenIds, maxNewTokens, options } = run;
  const { lengthPenalty, earlyStopping, numBeamGroups, diversityPenalty } = options;
  const diverse = numBeamGroups > 1;
  const score = (logProb: number, at = length): number => logProb / at ** lengthPenalty;
  const processors = chosen.length > 0 ? [diversity(chosen, diversityPenalty), ...run.processors] : run.processors;
  const count = Math.max(2, 1 + eosTokenIds.length) * size;
  const best = candidates({ ...run, processors }, group.beams, { logits, from, length, count });
  const ended: Finished[] = [];
  const live: { beam: Beam; parent: number }[] = [];
  for (const [rank, { parent, made, logProb }] of best.entries()) {
    const before = group.beams[parent]!.made;
    const isEnd = eosTokenIds.includes(made.id);
    const cut = length === maxNewTokens && !diverse;
    if (isEnd && rank < size) ended.push({ made: before, logProb, score: score(logProb), reason: 'eos', end: made });
    else if (!isEnd && cut && rank < size)
      ended.push({ made: [...before, made], logProb, score: score(logProb), reason: 'length' });
    if (!isEnd && live.length < size) live.push({ beam: { made: [...before, made], logProb }, parent: from + parent });
  }
  keep(group, ended, size);
  group.beams = live.map(({ beam }) => beam);
  group.parents = live.map(({ parent }) => parent);
  const full = group.finished.length === size;
  const attainable = diverse ? best[0]?.logProb : group.beams[0]?.logProb;
  const at = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : length;
  group.done =
    attainable === undefined ||
    group.beams.length === 0 ||
    (full && (earlyStopping === true || group.finished.at(-1)!.score >= score(attainable, at)));
}

function keep(group: Group, more: readonly Finished[], size: number): void {
  group.finished = [...group.finished, ...more].sort((a, b) => b.score - a.score).slice(0, size);
}

interface Ending {
  readonly score: (logProb: number, length: number) => number;
  readonly size: number;
  readonly length: number;
  readonly reason: 'length' | 'time';
}

/** The live beams count as texts. */
function keepLive(group: Group, { score, size, length, reason }: Ending): void {
  const texts = group.beams.map((beam) => ({ ...beam, score: score(beam.logProb, Math.max(1, length)), reason }));
  keep(group, texts, size);
}

/** What a token costs for having been chosen by earlier groups in this step. */
function diversity(chosen: readonly number[], penalty: number): LogitsProcessor {
  return (scores) => {
    for (const id of chosen) scores[id]! -= penalty;
  };
}

interface Candidate {
  readonly parent: number;
  readonly made: Made;
  readonly logProb: number;
}

/** The best continuations of a group's beams, best first. */
function candidates(
  { vocabSize, session, processors, context, options }: Run,
  beams: readonly Beam[],
  { logits, from, length, count }: { logits: Float32Array; from: number; length: number; count: number },
): Candidate[] {
  const all = beams.flatMap(({ made, logProb }, parent): Candidate[] => {
    const given = logitRow(logits, from + parent, vocabSize, session.peaks);
    let row = given.values;
    let normalizer = peakOf(given, length).logSumExp;
    if (processors.length > 0) {
      const tokens = [...context, ...made.map(({ id }) => id)];
      row = row.map((x) => x - normalizer);
      normalizer = 0;
      for (const processor of processors) processor(row, tokens);
    }
    const top =
      options.topLogprobs > 0 ? { topLogProbs: topLogProbs(row, normalizer, options.topLogprobs) } : undefined;
    return topPositions(row, count)
      .map((id) => ({
        parent,
        made: { id, logProb: row[id]! - normalizer, ...top },
        logProb: logProb + row[id]! - normalizer,
      }))
      .filter((candidate) => candidate.logProb > Number.NEGATIVE_INFINITY);
  });
  if (all.length === 0) throw new RangeError(`the options leave no token in step ${length}`);
  return all.sort((a, b) => b.logProb - a.logProb).slice(0, count);
}

/** The tokens from position `from` on that all hypotheses share. */
function commonPrefix([first, ...others]: readonly Beam[], from: number): readonly Made[] {
  let end = from;
  while (end < first!.made.length && others.every(({ made }) => made[end]?.id === first!.made[end]!.id)) end++;
  return first!.made.slice(from, end);
}

function tokenEvent({ id, logProb, topLogProbs: top }: Made, withLogProbs: boolean): TokenEvent {
  return { type: 'token', id, ...(withLogProbs && { logProb }), ...(top && { topLogProbs: top }) };
}

function sequence({ made, score, reason, end }: Finished, withLogProbs: boolean): GeneratedSequence {
  const logProbs = [...made, ...(end ? [end] : [])].map(({ logProb }) => logProb);
  return { tokens: made.map(({ id }) => id), score, reason, ...(withLogProbs && { logProbs }) };
}
