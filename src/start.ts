import * as YoungSpace from "./platform/YoungSpace.ts"

// Before anything is loaded, which is why the rest is not imported beside it.
if (process.argv[2] === "serve") YoungSpace.keepSmall()
await import("./main.ts")
