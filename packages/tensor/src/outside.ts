import type { HostTensor } from './backend/backend.ts';
import type { Feeds, InputSpecs } from './feeds.ts';

/** What the runtime's kernels say of an index that points nowhere. */
const OUTSIDE = /out of (data )?bounds|out of range value in index|index(es)? .*out of range|indices .*out of/i;

/**
 * Runs a graph; where an index in it points outside, the error says what the inputs of whole numbers hold: the runtime names a node of its own
 * alone, of which the user knows nothing.
 * @throws RangeError naming those inputs, with the runtime's message as its cause.
 */
export async function namingIndices<T, I extends InputSpecs>(feeds: Feeds<I>, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error && OUTSIDE.test(error.message))) throw error;
    const held = Object.entries<HostTensor>(feeds).flatMap(([name, { dtype, data }]) => {
      if (!/^u?int/.test(dtype) || data.length === 0) return [];
      let [least, most] = [data[0]!, data[0]!];
      for (const value of data) {
        if (value < least) least = value;
        if (value > most) most = value;
      }
      return [`'${name}' holds ${least} to ${most}`];
    });
    if (held.length === 0) throw error;
    throw new RangeError(
      `an index or a class is outside of what it points into; of the inputs, ${held.join(', ')} (${error.message})`,
      { cause: error },
    );
  }
}
