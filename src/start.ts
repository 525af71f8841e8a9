import * as V8Heap from "./platform/V8Heap.ts"

// Must run before other modules load, hence the dynamic import.
if (process.argv[2] === "serve") V8Heap.disableSemiSpaceGrowth()
await import("./main.ts")
