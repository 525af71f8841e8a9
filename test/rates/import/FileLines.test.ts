import { assert, it } from "@effect/vitest"
import { Effect, Schema, Stream } from "effect"
import { MAX_LINE_LENGTH } from "../../../src/domain/rates/ImportRow.ts"
import * as FileLines from "../../../src/rates/import/FileLines.ts"

const read = (...chunks: ReadonlyArray<Uint8Array>) =>
  Stream.runCollect(FileLines.read(Stream.rechunk(Stream.fromIterable(chunks), 1)))

const Part = Schema.Literals(["a", "€", "😀", "\r\n", "\n", '"'])
const bytes = (text: string) => new TextEncoder().encode(text)

it.effect("numbers lines that end with LF or CRLF, and drops a byte order mark", () =>
  Effect.gen(function* () {
    const lines = yield* read(bytes("\ufefffrom\r\n\nUSD\nlast"))
    assert.deepStrictEqual(
      lines.map(({ line, text }) => `${line} ${text}`),
      ["1 from", "2 ", "3 USD", "4 last"]
    )
    assert.deepStrictEqual(yield* read(bytes("")), [])
  })
)

it.effect.prop(
  "reads the same lines for any split into chunks",
  [Schema.Array(Part).check(Schema.isMaxLength(40)), Schema.Literals([1, 2, 3, 5, 7])],
  ([parts, size]) =>
    Effect.gen(function* () {
      const all = bytes(parts.join(""))
      const chunks = Array.from({ length: Math.ceil(all.length / size) }, (_, n) =>
        all.slice(n * size, (n + 1) * size)
      )
      assert.deepStrictEqual(yield* read(...chunks), yield* read(all))
    })
)

it.effect("truncates an overlong line just after the limit", () =>
  Effect.gen(function* () {
    const chunk = bytes("x".repeat(1000))
    const lines = yield* read(...Array.from({ length: 500 }, () => chunk), bytes("\nnext"))
    assert.strictEqual(lines.length, 2)
    const length = lines[0]?.text.length ?? 0
    assert.isTrue(length > MAX_LINE_LENGTH && length < MAX_LINE_LENGTH + 2000)
    assert.deepStrictEqual(lines[1], { line: 2, text: "next" })
  })
)
