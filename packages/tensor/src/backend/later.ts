import type { Address } from './c-api.ts';

/** Asynchronous foreign calls at a time. libuv runs 4 of them by default; koffi throws beyond its own limit of 256. */
export const MAX_CALLS = 32;

let calls = 0;
const waiting: (() => void)[] = [];

/** A foreign call on a thread of libuv's pool, in its turn. What it points to must be kept alive until it settles. */
export function later(call: (done: (error: unknown, status: Address | null) => void) => void): Promise<Address | null> {
  return new Promise((resolve, reject) => {
    const start = (): void => {
      calls++;
      call((error, status) => {
        calls--;
        waiting.shift()?.();
        if (error) reject(error);
        else resolve(status);
      });
    };
    if (calls < MAX_CALLS) start();
    else waiting.push(start);
  });
}
