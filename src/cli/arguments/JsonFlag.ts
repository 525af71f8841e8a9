import { Flag } from "effect/cli"

/** `--json`: machine-readable output. */
export const jsonFlag = Flag.Boolean("json").pipe(
  Flag.withDescription("Print JSON for programs"),
  Flag.withDefault(false)
)
