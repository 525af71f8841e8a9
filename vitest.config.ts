import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // Fault tests need the machine for themselves: `npm run test:faults`.
    exclude: ["test/faults/**"],
    globalSetup: ["test/support/GlobalSetup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000
  }
})
