import { seeded } from '@rivulet/tensor';
import { type AugmentationPolicy, augmentationOf, type Image, type PolicyOptions } from '@rivulet/vision';

export interface AugmentTask {
  readonly image: Image;
  readonly policy: AugmentationPolicy;
  readonly options: PolicyOptions;
  /** Of the random numbers: the same seed and stream give the same image, in whichever thread. */
  readonly seed: number;
  readonly stream: number;
}

/** What a thread does with an image: [H, W, C] of the policy's size. */
export default function augment({ image, policy, options, seed, stream }: AugmentTask): Uint8Array {
  return augmentationOf(policy, options)(image, seeded(seed, stream)).data;
}
