import { defineConfig } from "vitest/config"
import * as UnitTests from "./test/support/UnitTests.ts"

/** The tests that need neither PostgreSQL nor Redis nor a child process: `npm run test:unit`. */
export default defineConfig({
  test: {
    include: [...UnitTests.find(import.meta.dirname)],
    pool: "threads",
    testTimeout: 30_000
  }
})
