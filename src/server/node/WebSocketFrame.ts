const TEXT = 0x81
const LENGTH_16 = 126
const LENGTH_64 = 127

/** A text as the one frame in which a server sends it (RFC 6455, 5.2): the same bytes for every client. */
export const ofText = (text: string): Buffer => {
  const length = Buffer.byteLength(text)
  const headLength = length < LENGTH_16 ? 2 : length < 0x10000 ? 4 : 10
  const frame = Buffer.allocUnsafeSlow(headLength + length)
  frame[0] = TEXT
  frame[1] = headLength === 2 ? length : headLength === 4 ? LENGTH_16 : LENGTH_64
  if (headLength === 4) frame.writeUInt16BE(length, 2)
  if (headLength === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.write(text, headLength)
  return frame
}
