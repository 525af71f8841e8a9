import { defineConfig } from "vitest/config"

/** Tests of faults and load, one at a time, because they measure durations, and long simulations: `npm run test:faults`. */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts", "test/simulation/**/*.test.ts"],
    env: { SIMULATION_RUNS: "1000" },
    globalSetup: ["test/support/GlobalSetup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
