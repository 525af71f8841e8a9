// The life of an account: sign up, two devices, a second factor, a lost phone, and an administrator who locks the account.
//
//   node account-life.mjs http://127.0.0.1:8000
//
// ADMIN_USERNAME and ADMIN_PASSWORD are those of an administrator: `effex users create --admin`.
import { createHmac, randomBytes } from "node:crypto"
import { connect, connectAdmin, EffexError, MfaRequired, SessionEnded } from "effex-client"

const url = process.argv[2] ?? "http://127.0.0.1:8000"
const username = `amara-${randomBytes(4).toString("hex")}`
const password = "a long enough passphrase"

// Sign up on a laptop, and put some money into the wallet.
const laptop = connect(url, { onSessionEnd: ({ detail }) => console.log(`laptop: ${detail}`) })
const user = await laptop.accounts.register({ username, password })
const { available } = await laptop.funding.deposit({ amount: "100.00", asset: "USD" })
console.log(`signed up as ${user.username} with ${available} USD`)

// Require a code of an authenticator app for each sign-in.
const { secret } = await laptop.accounts.mfa.enroll({ password })
// The server takes the code of the previous 30 seconds too. Each code is accepted once.
const recoveryCodes = await laptop.accounts.mfa.confirm({ code: totp(secret, -1) })
console.log(`second factor enabled, with ${recoveryCodes.length} recovery codes`)

// Sign in on a phone: first without a code, as a page does that does not know yet whether one is needed.
const phone = connect(url)
try {
  await phone.accounts.login({ username, password })
} catch (error) {
  if (!(error instanceof MfaRequired)) throw error
  await phone.accounts.login({ mfaToken: error.mfaToken, code: totp(secret) })
}
for (const { current, id, secondFactor } of await laptop.accounts.sessions()) {
  console.log(`session ${id}${current ? ", this one" : ""}, second factor: ${secondFactor}`)
}

// The phone follows the wallet, until it is lost and the laptop signs it out.
const following = (async () => {
  for await (const event of phone.watchWallet()) {
    if (event.type === "snapshot") console.log(`phone: ${event.balances[0]?.balance} USD`)
    if (event.type === "snapshot") await signOutPhone()
  }
})().catch((error) => {
  if (!(error instanceof SessionEnded)) throw error
  console.log(`phone: ${error.detail}`)
})

async function signOutPhone() {
  const lost = (await laptop.accounts.sessions()).find(({ current }) => !current)
  if (lost !== undefined) await laptop.accounts.endSession(lost.id)
}
await following

// The authenticator app was on that phone, so a recovery code takes its place.
await laptop.accounts.mfa.disable({ password, code: recoveryCodes[0] ?? "" })
console.log("second factor removed")

// An administrator locks the account. Nothing more is sent with its tokens.
const { accounts, admin } = connectAdmin(url)
await accounts.login({
  username: process.env.ADMIN_USERNAME ?? "admin",
  password: process.env.ADMIN_PASSWORD ?? ""
})
await admin.users.lock(user.id, { reason: "Reported as stolen" })
await laptop.wallet().catch((error) => console.log(`wallet: ${codeOf(error)}`))
await laptop.accounts.login({ username, password }).catch((error) => console.log(`login: ${codeOf(error)}`))

await admin.users.unlock(user.id, { reason: "Was a mistake" })
await laptop.accounts.login({ username, password })
console.log(`signed in again, with ${(await laptop.wallet()).balance} USD`)
await Promise.all([laptop.accounts.logout(), accounts.logout()])

function codeOf(error) {
  if (error instanceof EffexError) return error.code
  throw error
}

/** Returns the code of an authenticator app (RFC 6238). The step 0 is the current one. */
function totp(base32, step = 0) {
  const bits = Array.from(base32, (letter) =>
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0")
  ).join("")
  const key = Buffer.from(bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [])
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + step))
  const hash = createHmac("sha1", key).update(counter).digest()
  const offset = (hash.at(-1) ?? 0) & 15
  return String((hash.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, "0")
}
