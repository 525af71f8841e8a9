import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Mutants from "./Mutants.ts"

describe("Mutants", () => {
  for (const name of Mutants.NAMES) {
    it.effect(`${name} applies to the current source`, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* Mutants.copy(name)
        for (const { file, to } of Mutants.MUTANTS[name])
          assert.include(yield* fs.readFileString(`${folder}/${file}`), to)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  }
})
