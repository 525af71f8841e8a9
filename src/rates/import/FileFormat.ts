import { pipeline, Readable } from "node:stream"
import { createGunzip } from "node:zlib"

/** Bytes from which a format is recognized. */
const HEAD_BYTES = 512

/** Formats that are not CSV in UTF-8, by their first bytes in Latin-1, and what to do with them. */
// oxlint-disable no-control-regex
const FORMATS: ReadonlyArray<readonly [RegExp, string]> = [
  [/^PK\x03\x04/, "it is an Excel workbook (.xlsx) or another ZIP archive; save the sheet as CSV UTF-8"],
  [/^\xd0\xcf\x11\xe0/, "it is an Excel workbook (.xls); save the sheet as CSV UTF-8"],
  [
    /^(\xff\xfe|\xfe\xff)/,
    "its encoding is UTF-16; save it as CSV UTF-8, or convert it with iconv -f UTF-16 -t UTF-8"
  ],
  [
    /^[\w",;\t]?\0[\w",;\t]|^[\w",;\t]\0/,
    "its encoding is UTF-16; save it as CSV UTF-8, or convert it with iconv -f UTF-16LE -t UTF-8"
  ],
  [/^BZh/, "it is compressed with bzip2; decompress it with bunzip2, or compress it with gzip"],
  [/^\xfd7zXZ\0/, "it is compressed with xz; decompress it with unxz, or compress it with gzip"],
  [
    /^\x28\xb5\x2f\xfd/,
    "it is compressed with Zstandard; decompress it with unzstd, or compress it with gzip"
  ],
  [/^.{257}ustar/s, "it is a tar archive; extract it, and import its files one by one"],
  [/^%PDF/, "it is a PDF document; export the table as CSV UTF-8"],
  [/^PAR1/, "it is a Parquet file; export it as CSV"],
  [/^(\xef\xbb\xbf)?\s*[[{]/, "it is JSON; convert it to CSV with the header from,to,rate,observed_at"],
  [/^(\xef\xbb\xbf)?\s*</, "it is HTML or XML; export the table as CSV UTF-8"]
]
// oxlint-enable no-control-regex

/**
 * Reads a text file, plain or compressed with gzip. Throws an error that names the format and says what to do if it is
 * something else.
 */
export async function* read(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]()
  const first: Array<Uint8Array> = []
  let size = 0
  while (size < HEAD_BYTES) {
    const next = await iterator.next()
    if (next.done === true) break
    first.push(next.value)
    size += next.value.length
  }
  const head = Buffer.concat(first)
  const all = continued(head, iterator)
  if (head[0] === 0x1f && head[1] === 0x8b) return yield* read(decompress(all))
  const start = head.subarray(0, HEAD_BYTES).toString("latin1")
  const [, reason] = FORMATS.find(([pattern]) => pattern.test(start)) ?? []
  if (reason !== undefined) throw new Error(reason)
  yield* all
}

async function* continued(head: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.length > 0) yield head
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value
}

async function* decompress(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  // Errors of either stream end the iteration below.
  pipeline(Readable.from(chunks), gunzip, () => {})
  try {
    yield* gunzip
  } catch (error) {
    const isDamaged = error instanceof Error && "code" in error && String(error.code).startsWith("Z_")
    throw isDamaged
      ? new Error("its gzip data is damaged or incomplete; download or compress it again")
      : error
  }
}
