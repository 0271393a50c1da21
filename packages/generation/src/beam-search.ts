import type { GenerationEnd, GenerationEvent } from './events.ts';
import type { DecodingSession, LanguageModel } from './language-model.ts';
import type { ResolvedOptions } from './options.ts';
import { logSumExp, topPositions } from './scores.ts';

/** A hypothesis: its tokens and the sum of their log-probabilities. */
interface Beam {
  readonly tokens: readonly number[];
  readonly logProb: number;
}

interface Finished extends Beam {
  readonly score: number;
  readonly reason: 'eos' | 'length';
}

/**
 * Beam search as Hugging Face's `generate` does it: every step looks at the 2·numBeams best continuations; those that end the
 * text are kept if they are among the numBeams best, the others go on. A token is given out once every hypothesis that can
 * still win has it.
 */
export async function* beamSearch(
  model: LanguageModel,
  session: DecodingSession,
  options: ResolvedOptions,
  signal?: AbortSignal,
): AsyncGenerator<GenerationEvent> {
  const { numBeams, lengthPenalty, earlyStopping, maxNewTokens } = options;
  const score = (logProb: number, length: number): number => logProb / length ** lengthPenalty;
  const ends = new Set(model.eosTokenIds);
  let beams: Beam[] = [{ tokens: [], logProb: 0 }];
  let finished: Finished[] = [];
  let parents = [0];
  let given = 0;

  for (let length = 1; length <= maxNewTokens; length++) {
    const last = beams.map(({ tokens }) => tokens.at(-1) ?? session.firstToken);
    const logits = await session.step(last, parents);
    if (signal?.aborted) return;
    const live: { beam: Beam; parent: number }[] = [];
    for (const [rank, { parent, token, logProb }] of candidates(
      beams,
      logits,
      model.vocabSize,
      2 * numBeams,
    ).entries()) {
      const { tokens } = beams[parent]!;
      if (!ends.has(token)) live.push({ beam: { tokens: [...tokens, token], logProb }, parent });
      else if (rank < numBeams) finished.push({ tokens, logProb, score: score(logProb, length), reason: 'eos' });
      if (live.length === numBeams) break;
    }
    finished = finished.sort((a, b) => b.score - a.score).slice(0, numBeams);
    beams = live.map(({ beam }) => beam);
    parents = live.map(({ parent }) => parent);
    const best = Math.max(...beams.map(({ logProb }) => logProb));
    const full = finished.length === numBeams;
    if (beams.length === 0 || (full && (earlyStopping || finished.at(-1)!.score >= score(best, length)))) break;
    if (length === maxNewTokens) {
      const cut = beams.map((beam): Finished => ({ ...beam, score: score(beam.logProb, length), reason: 'length' }));
      finished = [...finished, ...cut].sort((a, b) => b.score - a.score);
    }
    for (const id of commonPrefix([...beams, ...finished], given)) {
      given++;
      yield { type: 'token', id };
      if (signal?.aborted) return;
    }
  }
  const { tokens, score: final, reason } = finished[0]!;
  for (const id of tokens.slice(given)) yield { type: 'token', id };
  yield { type: 'generation-end', tokens, score: final, reason } satisfies GenerationEnd;
}

interface Candidate {
  readonly parent: number;
  readonly token: number;
  readonly logProb: number;
}

/** The best continuations of all beams, best first. */
function candidates(beams: readonly Beam[], logits: Float32Array, vocabSize: number, count: number): Candidate[] {
  const all = beams.flatMap(({ logProb }, parent): Candidate[] => {
    const row = logits.subarray(parent * vocabSize, (parent + 1) * vocabSize);
    const normalizer = logSumExp(row);
    return topPositions(row, count).map((token) => ({ parent, token, logProb: logProb + row[token]! - normalizer }));
  });
  return all.sort((a, b) => b.logProb - a.logProb).slice(0, count);
}

/** The tokens from position `from` on that all hypotheses share. */
function commonPrefix(hypotheses: readonly Beam[], from: number): number[] {
  const [first, ...others] = hypotheses;
  let end = from;
  while (end < first!.tokens.length && others.every(({ tokens }) => tokens[end] === first!.tokens[end])) end++;
  return first!.tokens.slice(from, end);
}
