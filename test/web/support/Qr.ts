import { Effect } from "effect"
import type { Locator } from "playwright-core"
import { decodeQR } from "qr/decode.js"
import { inflateSync } from "node:zlib"

/** Bytes per pixel of the pictures that Chromium takes: RGB. */
const CHANNELS = 3
const HEADER_BYTES = 8

/** Reads the QR code that an element of a page shows, from a picture of it. */
export const read = (element: Locator): Effect.Effect<string> =>
  Effect.promise(async () => decodeQR(imageOf(await element.screenshot())))

/** Decodes a PNG of 8 bits per channel without a palette. */
const imageOf = (png: Buffer) => {
  const parts: Array<Buffer> = []
  let [width, height] = [0, 0]
  for (let at = HEADER_BYTES; at < png.length;) {
    const length = png.readUInt32BE(at)
    const type = png.toString("latin1", at + 4, at + 8)
    const data = png.subarray(at + 8, at + 8 + length)
    if (type === "IHDR") [width, height] = [data.readUInt32BE(0), data.readUInt32BE(4)]
    if (type === "IDAT") parts.push(data)
    at += length + 12
  }
  const lines = inflateSync(Buffer.concat(parts))
  const stride = width * CHANNELS
  const pixels = new Uint8Array(stride * height)
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1)
    const filter = lines[start] ?? 0
    for (let x = 0; x < stride; x++) {
      const left = x < CHANNELS ? 0 : (pixels[y * stride + x - CHANNELS] ?? 0)
      const above = y === 0 ? 0 : (pixels[(y - 1) * stride + x] ?? 0)
      const corner = x < CHANNELS || y === 0 ? 0 : (pixels[(y - 1) * stride + x - CHANNELS] ?? 0)
      pixels[y * stride + x] = (lines[start + 1 + x] ?? 0) + predict(filter, left, above, corner)
    }
  }
  return { width, height, data: pixels }
}

/** Prediction of a byte from its neighbours, by the filter of its line. */
const predict = (filter: number, left: number, above: number, corner: number): number => {
  if (filter === 1) return left
  if (filter === 2) return above
  if (filter === 3) return Math.floor((left + above) / 2)
  if (filter !== 4) return 0
  const estimate = left + above - corner
  const [a, b, c] = [left, above, corner].map((value) => Math.abs(estimate - value))
  if (a === undefined || b === undefined || c === undefined) return 0
  return a <= b && a <= c ? left : b <= c ? above : corner
}
