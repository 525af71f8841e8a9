import * as V8Heap from "./platform/V8Heap.ts"

// Before anything is loaded, which is why the rest is not imported beside it.
if (process.argv[2] === "serve") V8Heap.disableSemiSpaceGrowth()
await import("./main.ts")
