/** What waits for each signal: one listener of ours, however many texts share it. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls back when the signal is aborted. @returns what takes that back. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (!signal) return () => {};
  let callbacks = waiting.get(signal);
  if (!callbacks) {
    const all = new Set<() => void>();
    signal.addEventListener('abort', () => {
      for (const each of [...all]) each();
    });
    waiting.set(signal, all);
    callbacks = all;
  }
  const own = callbacks;
  own.add(callback);
  return () => void own.delete(callback);
}
