/**
 * How long the runtime's threads look for work before they sleep, as settings under `session.`: for the time of the small nodes
 * between two large ones, which would cost a wake-up each; not between runs, where spinning threads of one session slow every
 * other down twofold. docs/decisions/0026-waiting-threads.md has the measurements.
 */
export const spinning = {
  'intra_op.allow_spinning': '1',
  'intra_op.spin_duration_us': '50',
  force_spinning_stop: '1', // with the end of a run
} as const;
