import { assert } from "@effect/vitest"
import { randomBytes } from "node:crypto"

/** A secret that stands nowhere else, of characters that URLs, JSON and forms each write in their own way. */
export const secret = (name: string) => `${name}/${randomBytes(12).toString("base64url")}+=%"x`

/** As {@link secret}, of characters that stand in a URL. */
export const plain = (name: string) => `${name}-${randomBytes(12).toString("hex")}`

/** Secrets by what they are, which were given to a process. */
export type PlantedSecrets = Readonly<Record<string, string>>

/** Asserts that a text holds none of the secrets, however it may have been written. */
export const assertAbsent = (planted: PlantedSecrets, where: string, text: string) => {
  for (const [name, value] of Object.entries(planted)) {
    for (const spelling of spellings(value)) {
      const at = text.indexOf(spelling)
      if (at >= 0) assert.fail(`${where} holds ${name}: …${text.slice(Math.max(0, at - 300), at + 60)}`)
    }
  }
}

const spellings = (value: string) => {
  const inner = value.slice(3, -3)
  return [
    value,
    encodeURIComponent(value),
    new URLSearchParams({ "": value }).toString().slice(1),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    Buffer.from(value).toString("hex"),
    // Three bytes are four digits, so that these stand in the base64 of any text that holds the secret.
    ...[0, 1, 2].flatMap((skip) => {
      const bytes = Buffer.from(inner.slice(skip, skip + 3 * Math.floor((inner.length - skip) / 3)))
      return [bytes.toString("base64"), bytes.toString("base64url")]
    })
  ]
}
