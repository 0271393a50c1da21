import { apply, gradients, input, type Tensor } from '@rivulet/tensor';
import { expect } from 'chai';
import { lowerInParts } from '../src/lowering/lower.ts';
import { atOnce } from '../src/slices.ts';

/** The operators of a depthwise convolution and its gradients, as they are written for blocks of so many channels. */
function operators(channelBlock: number, channels = 16): string[] {
  const x = input('x', [2, channels, 5, 5]);
  const weight = input('w', [channels, 1, 3, 3]);
  const windows = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: channels };
  const y: Tensor = apply('conv', [x, weight], windows);
  const results = [y, ...gradients(y.mul(y).sum(), [x, weight])].map((tensor, i) => ({ name: `y${i}`, tensor }));
  const inputs = [x, weight].map((tensor, i) => ({ name: ['x', 'w'][i]!, tensor }));
  const { graph, opsets } = atOnce(lowerInParts(inputs, results, { channelBlock }));
  expect('com.microsoft.nchwc' in opsets).to.equal(channelBlock > 0);
  return graph.nodes.filter(({ opType }) => opType === 'Conv').map(({ domain }) => domain!);
}

describe('depthwise convolutions', () => {
  it('are written for blocks of channels, where there are such', () => {
    expect(operators(8)).to.deep.equal(Array(3).fill('com.microsoft.nchwc'));
    expect(operators(16)).to.deep.equal(Array(3).fill('com.microsoft.nchwc'));
    expect(operators(0)).to.deep.equal(Array(3).fill(''));
  });

  it('stay as they are where channels do not come in whole blocks', () => {
    expect(operators(16, 24)).to.deep.equal(Array(3).fill(''));
  });
});
