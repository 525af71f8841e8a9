/** Bucket boundaries, in seconds, of work that is mostly served from memory. */
export const FAST_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

/** Bucket boundaries, in seconds, of calls to databases and providers. */
export const SLOW_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
