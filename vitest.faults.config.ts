import { defineConfig } from "vitest/config"

/** Faults of a whole machine, one at a time: whoever is measured has it to itself. */
export default defineConfig({
  test: {
    include: ["test/faults/**/*.test.ts"],
    globalSetup: ["test/support/GlobalSetup.ts"],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 60_000
  }
})
