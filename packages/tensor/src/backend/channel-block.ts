import { BLOCKED } from '../lowering/lowering.ts';
import { encodeModel } from '../onnx/encode.ts';
import type { Backend } from './backend.ts';

const blocks = new WeakMap<Backend, Promise<number>>();

/** How many channels make a block on this machine (8 with AVX2, 16 with AVX-512); 0 where the backend knows no such images. */
export function channelBlock(backend: Backend): Promise<number> {
  const known = blocks.get(backend) ?? probe(backend).catch(() => 0);
  blocks.set(backend, known);
  return known;
}

/** Four channels become a whole block. */
async function probe(backend: Backend): Promise<number> {
  const channels = 4;
  const model = encodeModel({
    graph: {
      name: 'block',
      nodes: [{ opType: 'ReorderInput', domain: BLOCKED, inputs: ['x'], outputs: ['y'] }],
      inputs: [{ name: 'x', dtype: 'float32', dims: [1, channels, 1, 1] }],
      outputs: [{ name: 'y', dtype: 'float32' }],
      initializers: [],
    },
    opsets: { '': 21, [BLOCKED]: 1 },
  });
  const session = await backend.createSession(model, { threads: 1 });
  try {
    const [y] = await session.run([{ dtype: 'float32', dims: [1, channels, 1, 1], data: new Float32Array(channels) }]);
    return y!.dims[1]!;
  } finally {
    await session.dispose();
  }
}
