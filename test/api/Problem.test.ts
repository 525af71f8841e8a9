import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Problem from "../../src/api/Problem.ts"

describe("Problem", () => {
  it("contains every problem that this module declares", () => {
    // A problem that is missing would be sent without `instance` and `trace_id`.
    const declared = Object.values(Problem).filter(
      (value) => Schema.isSchema(value) && value !== Problem.Problem
    )
    assert.isAbove(declared.length, 20)
    assert.sameMembers([...Problem.Problem.members], declared)
  })
})
