import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Mutants from "./Mutants.ts"

describe("Mutants", () => {
  for (const name of Mutants.NAMES) {
    it.effect(`${name} applies to the current source`, () =>
      Mutants.check(name).pipe(Effect.provide(NodeServices.layer))
    )
  }

  it.effect("copies the program with the defect", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* Mutants.copy("leader")
      for (const { file, to } of Mutants.MUTANTS.leader)
        assert.include(yield* fs.readFileString(`${folder}/${file}`), to)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})
