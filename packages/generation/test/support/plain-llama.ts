import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readSafetensors } from '@rivulet/tensor';
import type { DecodingSession, LanguageModel, StreamingDecoder } from '../../src/index.ts';

/** The folder of a Llama with 260 thousand parameters that tells stories, and whether it is there. */
const stories = fileURLToPath(new URL('../../../../../shared/data/checkpoints/stories260K/', import.meta.url));
export const haveStories: boolean = existsSync(stories);

const [LAYERS, WIDTH, HIDDEN, HEADS, KV_HEADS, HEAD, VOCAB] = [5, 64, 172, 8, 4, 8, 512];

/** What a row has read: keys and values of every layer, position by position. */
interface Cache {
  readonly keys: readonly Float64Array[][];
  readonly values: readonly Float64Array[][];
  /** What came after, by token: tests read the same texts again and again. */
  readonly known: Map<number, Read>;
}

interface Read {
  readonly logits: Float64Array;
  readonly cache: Cache;
}

/** A Llama in plain loops over 64-bit floats: slow, and independent of everything that it checks. */
export async function plainLlama(eosTokenIds: readonly number[] = [1, 2]): Promise<LanguageModel> {
  const tensors = await readSafetensors(`${stories}model.safetensors`);
  const weight = (name: string): Float64Array => Float64Array.from(tensors.get(`model.${name}`)!.data as Float32Array);
  const embedding = weight('embed_tokens.weight');
  const finalNorm = weight('norm.weight');
  const layers = Array.from({ length: LAYERS }, (_, i) => {
    const at = (name: string): Float64Array => weight(`layers.${i}.${name}.weight`);
    const [q, k, v, o] = ['q', 'k', 'v', 'o'].map((name) => at(`self_attn.${name}_proj`));
    const [gate, up, down] = ['gate', 'up', 'down'].map((name) => at(`mlp.${name}_proj`));
    const [norm1, norm2] = [at('input_layernorm'), at('post_attention_layernorm')];
    return { q: q!, k: k!, v: v!, o: o!, gate: gate!, up: up!, down: down!, norm1, norm2 };
  });

  /** Reads one token after those of the cache; gives the logits and the cache with it. */
  const forward = (token: number, { keys, values, known }: Cache): Read => {
    const before = known.get(token);
    if (before) return before;
    const next: { keys: Float64Array[][]; values: Float64Array[][] } = { keys: [], values: [] };
    const position = keys[0]?.length ?? 0;
    const x = embedding.slice(token * WIDTH, (token + 1) * WIDTH);
    for (const [i, layer] of layers.entries()) {
      const normed = rmsNorm(x, layer.norm1);
      const query = rotate(matvec(layer.q, normed, HEADS * HEAD), position);
      const k = [...(keys[i] ?? []), rotate(matvec(layer.k, normed, KV_HEADS * HEAD), position)];
      const v = [...(values[i] ?? []), matvec(layer.v, normed, KV_HEADS * HEAD)];
      next.keys.push(k);
      next.values.push(v);
      add(x, matvec(layer.o, attend(query, k, v), WIDTH));
      const inner = rmsNorm(x, layer.norm2);
      const gate = matvec(layer.gate, inner, HIDDEN);
      const up = matvec(layer.up, inner, HIDDEN);
      add(
        x,
        matvec(
          layer.down,
          silu(gate).map((g, j) => g * up[j]!),
          WIDTH,
        ),
      );
    }
    const read: Read = {
      logits: matvec(embedding, rmsNorm(x, finalNorm), VOCAB),
      cache: { ...next, known: new Map() },
    };
    known.set(token, read);
    return read;
  };

  const empty: Cache = { keys: [], values: [], known: new Map() };
  return {
    vocabSize: VOCAB,
    eosTokenIds,
    continuesPrompt: true,
    async open(prompt): Promise<DecodingSession> {
      const before = Array.from(prompt);
      const firstToken = before.pop()!;
      let start = empty;
      for (const token of before) start = forward(token, start).cache;
      let rows: Cache[] = [start];
      let past: Cache[] = []; // of the only row, for rewind
      const step = (tokens: readonly number[], parents: readonly number[]): Float32Array => {
        const results = tokens.map((token, r) => forward(token, rows[parents[r]!]!));
        past.push(rows[0]!);
        rows = results.map(({ cache }) => cache);
        return Float32Array.from(results.flatMap(({ logits }) => Array.from(logits)));
      };
      return {
        firstToken,
        step: async (tokens, parents) => step(tokens, parents),
        stepMany: async (tokens) => Float32Array.from(tokens.flatMap((token) => Array.from(step([token], [0])))),
        rewind(count) {
          const at = past.length - count;
          rows = [past[at]!];
          past = past.slice(0, at);
        },
        dispose() {},
      };
    },
  };
}

/** w [rows, x.length] times x. */
function matvec(w: Float64Array, x: Float64Array, rows: number): Float64Array {
  const y = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    let sum = 0;
    for (let c = 0; c < x.length; c++) sum += w[r * x.length + c]! * x[c]!;
    y[r] = sum;
  }
  return y;
}

function add(x: Float64Array, y: Float64Array): void {
  for (let i = 0; i < x.length; i++) x[i]! += y[i]!;
}

function silu(x: Float64Array): Float64Array {
  return x.map((v) => v / (1 + Math.exp(-v)));
}

function rmsNorm(x: Float64Array, weight: Float64Array): Float64Array {
  const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + 1e-5);
  return x.map((v, i) => v * scale * weight[i]!);
}

const frequencies = Array.from({ length: HEAD / 2 }, (_, i) => 10_000 ** ((-2 * i) / HEAD));

/** Rotary position embedding, each head's halves as the two coordinates. */
function rotate(x: Float64Array, position: number): Float64Array {
  const y = new Float64Array(x.length);
  for (const [i, frequency] of frequencies.entries()) {
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
    for (let low = i; low < x.length; low += HEAD) {
      const high = low + HEAD / 2;
      y[low] = x[low]! * cos - x[high]! * sin;
      y[high] = x[high]! * cos + x[low]! * sin;
    }
  }
  return y;
}

function attend(query: Float64Array, keys: readonly Float64Array[], values: readonly Float64Array[]): Float64Array {
  const y = new Float64Array(query.length);
  for (let head = 0; head < HEADS; head++) {
    const q = head * HEAD;
    const kv = Math.floor((head * KV_HEADS) / HEADS) * HEAD;
    const scores = keys.map((key) => {
      let dot = 0;
      for (let d = 0; d < HEAD; d++) dot += query[q + d]! * key[kv + d]!;
      return dot / Math.sqrt(HEAD);
    });
    const max = Math.max(...scores);
    const weights = scores.map((s) => Math.exp(s - max));
    const total = weights.reduce((a, b) => a + b);
    for (const [t, w] of weights.entries())
      for (let d = 0; d < HEAD; d++) y[q + d]! += (w / total) * values[t]![kv + d]!;
  }
  return y;
}

/** The texts of its tokens: ▁ is a blank, <0x41> a byte, and the first three ids are no text. */
export function storiesDecoder(): StreamingDecoder {
  const { model } = JSON.parse(readFileSync(`${stories}tokenizer.json`, 'utf8')) as {
    model: { vocab: Record<string, number> };
  };
  const bytes = new Map(
    Object.entries(model.vocab).map(([token, id]) => {
      const byte = /^<0x([\dA-F]{2})>$/.exec(token)?.[1];
      const text = id < 3 ? '' : token.replaceAll('▁', ' ');
      return [id, byte ? Uint8Array.of(Number.parseInt(byte, 16)) : new TextEncoder().encode(text)];
    }),
  );
  return {
    decodeStream() {
      const decoder = new TextDecoder();
      return {
        push: (id) => decoder.decode(bytes.get(id), { stream: true }),
        end: () => decoder.decode(),
      };
    },
  };
}
