/** How long streams may run without a turn of the event loop, ms. */
const SLICE = 8;
/** How often the clock should be looked at, ms, and the most items between two looks. */
const LOOK = 1;
const MOST = 4096;

let every = 1;
let left = 1;
let looked = performance.now();
let turned = looked;

/**
 * Whether the event loop should turn before the next item. Promises alone never let it: a source that always has a value at hand
 * would keep timers, sockets and signals waiting. Counts items and looks at the clock about once a millisecond.
 */
export function turnIsDue(): boolean {
  if (--left > 0) return false;
  const now = performance.now();
  const elapsed = now - looked;
  every = Math.max(1, Math.min(MOST, Math.floor(every * Math.min(2, LOOK / elapsed))));
  left = every;
  looked = now;
  return now - turned >= SLICE;
}

/** Resolves after a turn of the event loop. */
export async function turn(): Promise<void> {
  await macrotask();
  turned = performance.now();
}

const macrotask: () => Promise<void> =
  typeof setImmediate === 'function'
    ? () => new Promise((resolve) => void setImmediate(resolve))
    : () =>
        new Promise((resolve) => {
          const { port1, port2 } = new MessageChannel(); // browsers make a nested timer of 0 ms wait 4 ms
          (port1 as unknown as { onmessage: () => void }).onmessage = () => {
            port1.close();
            resolve();
          };
          port2.postMessage(null);
        });
