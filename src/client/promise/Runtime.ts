import { EffexError } from "./EffexError.ts"

const MIN_NODE_MAJOR = 22

/** Throws if this Node.js is too old. A missing feature would fail later, and not say why. */
export const requireSupported = (version: string | undefined = globalThis.process?.versions?.node) => {
  if (version === undefined || Number.parseInt(version) >= MIN_NODE_MAJOR) return
  throw new EffexError({
    code: "unsupported-runtime",
    detail: `effex-client needs Node.js ${MIN_NODE_MAJOR} or newer; this is Node.js ${version}. Install a newer Node.js: https://nodejs.org`
  })
}
