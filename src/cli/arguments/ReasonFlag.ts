import { Schema } from "effect"
import { Flag } from "effect/cli"
import { Reason } from "../../api/Reason.ts"

/** `--reason`: a required text of 1 to 1000 characters. */
export const reasonFlag = (description: string) =>
  Flag.String("reason").pipe(
    Flag.withDescription(description),
    Flag.filter(
      Schema.is(Reason),
      () =>
        "expected 1 to 1000 characters, one of them visible, and no control characters or bidirectional overrides"
    )
  )
