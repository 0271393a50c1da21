import type { CausalLM } from '@rivulet/transformer';
import { usage } from './answers.ts';

/** An answer of /v1/embeddings. */
export async function embeddings(
  model: CausalLM,
  inputs: readonly Int32Array[],
  name: string,
  format: 'float' | 'base64',
  signal: AbortSignal,
): Promise<object> {
  const vectors = await Promise.all(inputs.map((ids) => model.embed(ids, { signal })));
  const data = vectors.map((vector, index) => ({
    object: 'embedding',
    index,
    embedding:
      format === 'base64'
        ? Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64')
        : [...vector],
  }));
  const { prompt_tokens, total_tokens } = usage(
    inputs.reduce((n, ids) => n + ids.length, 0),
    0,
  );
  return { object: 'list', data, model: name, usage: { prompt_tokens, total_tokens } };
}
