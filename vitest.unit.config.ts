import { defineConfig } from "vitest/config"
import * as UnitTests from "./test/support/UnitTests.ts"

/** The tests that need neither PostgreSQL nor Redis nor a child process: `npm run test:unit`. */
export default defineConfig({
  test: {
    include: [...UnitTests.find(import.meta.dirname)],
    pool: "threads",
    // They share no state beyond modules. Loading modules once per worker instead of once per file saves two thirds of the time.
    isolate: false,
    // The default leaves one core idle.
    maxWorkers: "100%",
    testTimeout: 300_000
  }
})
