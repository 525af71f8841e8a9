import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Fault tests need the machine for themselves: `npm run test:faults`.
    exclude: ["test/faults/**"],
    // Files share no state beyond modules, so a worker loads the modules once instead of once per file.
    isolate: false,
    // The default leaves one core idle.
    maxWorkers: "100%",
    globalSetup: ["test/support/GlobalSetup.ts"],
    // Timeouts only end tests that hang: no test may depend on how fast or busy the machine is.
    testTimeout: 300_000,
    hookTimeout: 300_000
  }
})
