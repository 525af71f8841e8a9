import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem } from "effect"
import * as Sabotage from "./Sabotage.ts"

describe("The broken builds that a soak must notice", () => {
  for (const name of Sabotage.NAMES) {
    it.effect(`still break ${name}, in the words of today's source`, () =>
      Effect.gen(function* () {
        const fs = yield* FileSystem.FileSystem
        const folder = yield* Sabotage.copy(name)
        for (const { file, to } of Sabotage.BREAKS[name])
          assert.include(yield* fs.readFileString(`${folder}/${file}`), to)
      }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
    )
  }
})
