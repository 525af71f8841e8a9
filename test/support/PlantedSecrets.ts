import { assert } from "@effect/vitest"
import { randomBytes } from "node:crypto"

/** Returns a unique secret with characters that URLs, JSON and forms each escape differently. */
export const secret = (name: string) => `${name}/${randomBytes(12).toString("base64url")}+=%"x`

/** Returns a unique secret of characters that need no escaping in a URL. */
export const plain = (name: string) => `${name}-${randomBytes(12).toString("hex")}`

/** Secrets given to a process, by name. */
export type PlantedSecrets = Readonly<Record<string, string>>

/** Asserts that a text contains none of the secrets in any encoding. */
export const assertAbsent = (planted: PlantedSecrets, source: string, text: string) => {
  for (const [name, value] of Object.entries(planted)) {
    for (const encoded of encodingsOf(value)) {
      const index = text.indexOf(encoded)
      if (index >= 0)
        assert.fail(`${source} contains ${name}: …${text.slice(Math.max(0, index - 300), index + 60)}`)
    }
  }
}

const encodingsOf = (value: string) => {
  const middle = value.slice(3, -3)
  return [
    value,
    encodeURIComponent(value),
    new URLSearchParams({ "": value }).toString().slice(1),
    JSON.stringify(value).slice(1, -1),
    JSON.stringify(JSON.stringify(value)).slice(3, -3),
    Buffer.from(value).toString("hex"),
    // Three bytes encode to four characters, so one of these is in the base64 of any text that contains the secret.
    ...[0, 1, 2].flatMap((skip) => {
      const bytes = Buffer.from(middle.slice(skip, skip + 3 * Math.floor((middle.length - skip) / 3)))
      return [bytes.toString("base64"), bytes.toString("base64url")]
    })
  ]
}
