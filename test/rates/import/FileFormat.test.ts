import { assert, describe, it } from "@effect/vitest"
import { gzipSync } from "node:zlib"
import * as FileFormat from "../../../src/rates/import/FileFormat.ts"

const CSV = "from,to,rate,observed_at\nUSD,NGN,1500,2024-01-15\n"

async function* chunksOf(content: Uint8Array, size: number) {
  for (let start = 0; start < content.length; start += size) yield content.subarray(start, start + size)
}

const read = async (content: Uint8Array, size = 1000) => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of FileFormat.read(chunksOf(content, size))) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

const rejection = async (content: Uint8Array) =>
  read(content).then(
    () => assert.fail("was read"),
    (error: unknown) => (error instanceof Error ? error.message : "")
  )

describe("FileFormat", () => {
  it("reads plain and gzip-compressed text in chunks of any size", async () => {
    const long = CSV.repeat(500)
    for (const text of ["", "a", CSV, long, `\ufeff${CSV}`]) {
      for (const size of [1, 7, 100_000]) {
        assert.strictEqual(await read(Buffer.from(text), size), text)
        assert.strictEqual(await read(gzipSync(text), size), text)
        assert.strictEqual(await read(gzipSync(gzipSync(text)), size), text)
      }
    }
  })

  it("names other formats and says what to do", async () => {
    const utf16 = Buffer.from(CSV, "utf16le")
    const tar = Buffer.concat([Buffer.alloc(257, "a"), Buffer.from("ustar"), Buffer.alloc(300)])
    const cases: ReadonlyArray<readonly [Uint8Array, RegExp]> = [
      [Buffer.from("PK\x03\x04rest", "latin1"), /Excel workbook \(\.xlsx\) .*; save the sheet as CSV UTF-8/],
      [Buffer.from("\xd0\xcf\x11\xe0rest", "latin1"), /Excel workbook \(\.xls\); save/],
      [Buffer.concat([Buffer.from([0xff, 0xfe]), utf16]), /UTF-16; save it as CSV UTF-8/],
      [Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(utf16).swap16()]), /UTF-16/],
      [utf16, /UTF-16/],
      [Buffer.from(utf16).swap16(), /UTF-16/],
      [Buffer.from("BZh91AY", "latin1"), /bzip2; decompress it/],
      [Buffer.from("\xfd7zXZ\0", "latin1"), /xz; decompress it/],
      [Buffer.from("\x28\xb5\x2f\xfd", "latin1"), /Zstandard; decompress it/],
      [tar, /tar archive; extract it/],
      [gzipSync(tar), /tar archive; extract it/],
      [Buffer.from("%PDF-1.7"), /PDF document/],
      [Buffer.from('[{"from":"USD"}]'), /JSON; convert it to CSV/],
      [Buffer.from("<!doctype html>"), /HTML or XML/],
      [gzipSync(CSV).subarray(0, 30), /gzip data is damaged or incomplete/],
      [Buffer.from([0x1f, 0x8b, 9, 9, 9]), /gzip data is damaged or incomplete/]
    ]
    for (const [content, message] of cases) assert.match(await rejection(content), message)
  })
})
