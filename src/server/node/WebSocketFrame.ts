const FINAL_TEXT_FRAME = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127

/** Encodes a text as one unmasked WebSocket frame (RFC 6455, 5.2), which can be sent to every client. */
export const encodeText = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const headLength = length < LENGTH_16 ? 2 : length < 0x10000 ? 4 : 10
  const frame = Buffer.allocUnsafeSlow(headLength + length)
  frame[0] = FINAL_TEXT_FRAME
  frame[1] = headLength === 2 ? length : headLength === 4 ? LENGTH_16 : LENGTH_64
  if (headLength === 4) frame.writeUInt16BE(length, 2)
  if (headLength === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.write(text, headLength)
  return frame
}
