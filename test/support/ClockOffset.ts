import { readFileSync } from "node:fs"

// Preloaded into a process with `node --import`: shifts its time of day by the milliseconds in the file CLOCK_OFFSET_FILE,
// as `faketime` does. The monotonic clock and timers are not affected. SIGUSR2 reads the file again.

const path = process.env["CLOCK_OFFSET_FILE"]
const read = () => (path === undefined ? 0 : Number(readFileSync(path, "utf8")))
const now = Date.now.bind(Date)
let offsetMillis = read()

process.on("SIGUSR2", () => {
  offsetMillis = read()
})

globalThis.Date = new Proxy(Date, {
  construct: (target, args, self) =>
    Reflect.construct(target, args.length === 0 ? [now() + offsetMillis] : args, self),
  get: (target, name) => (name === "now" ? () => now() + offsetMillis : Reflect.get(target, name))
})
