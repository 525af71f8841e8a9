import { createRequire } from "node:module"

// vue-tsc needs the JavaScript API of TypeScript, which TypeScript 7 does not have.
const require = createRequire(import.meta.url)
require("vue-tsc").run(require.resolve("typescript-6/lib/tsc"))
