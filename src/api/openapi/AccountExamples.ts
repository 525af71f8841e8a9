import type { Examples } from "./Example.ts"

const USER = {
  id: "01a22a37-399f-7391-879e-20d2b94c6301",
  username: "amara",
  email: "amara@example.com",
  role: "user",
  created_at: "2026-11-30T02:09:52.031Z"
}

const SESSION_ID = "01a22a37-39a4-7c12-8d5e-6f0a1b2c3d4e"
const REFRESH = "efr_p7mC0bq3mPzWq2mJ3oYtVn8kL5xR1sD9uG4hA6eT7iQ"

const TOKENS = {
  access: "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6Ii4uLiJ9.eyJzdWIiOiIuLi4ifQ.c2lnbmF0dXJl",
  refresh: REFRESH,
  token_type: "Bearer",
  expires_in: 600,
  session_id: SESSION_ID
}

const RECOVERY_CODES = ["7g3k-x9tm-4hqe-20vb", "e1d8-pz5w-r6yc-9knj"]

/** Examples of accounts, by operation id. */
export const AccountExamples: Examples = {
  "auth.register": {
    request: { username: "amara", password: "a long enough passphrase", email: "amara@example.com" },
    response: { ...TOKENS, user: USER }
  },
  "auth.login": {
    request: { username: "amara", password: "a long enough passphrase" },
    response: { ...TOKENS, user: USER }
  },
  "auth.refresh": { request: { refresh: REFRESH }, response: TOKENS },
  "auth.logout": { request: { refresh: REFRESH } },
  "auth.jwks": {
    response: {
      keys: [
        {
          kty: "OKP",
          crv: "Ed25519",
          x: "6kpsY-KcUgq-9VB7Ey7F-ZVHdq7-vnuSQh7qaRRG0iw",
          kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
          use: "sig",
          alg: "EdDSA"
        }
      ]
    }
  },
  "account.me": { response: USER },
  "account.changeMe": { request: { email: "amara@example.com" }, response: USER },
  "account.changePassword": {
    request: { current_password: "a long enough passphrase", new_password: "another long passphrase" }
  },
  "account.sessions": {
    response: {
      data: [
        {
          id: SESSION_ID,
          current: true,
          created_at: "2026-11-30T02:09:52.031Z",
          last_used_at: "2026-11-30T02:19:52.031Z",
          expires_at: "2026-12-30T02:19:52.031Z",
          second_factor: false,
          address: "192.0.2.7",
          user_agent: "Mozilla/5.0"
        }
      ]
    }
  },
  "account.endSession": { parameters: { session_id: SESSION_ID } },
  "account.logoutAll": {},
  "account.logoutOthers": {},
  "mfa.status": { response: { enabled: true, recovery_codes: 10 } },
  "mfa.enroll": {
    request: { password: "a long enough passphrase" },
    response: {
      secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
      otpauth_uri: "otpauth://totp/effex:amara?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=effex"
    }
  },
  "mfa.confirm": { request: { code: "492039" }, response: { recovery_codes: RECOVERY_CODES } },
  "mfa.disable": { request: { password: "a long enough passphrase", code: "492039" } },
  "mfa.recoveryCodes": {
    request: { password: "a long enough passphrase", code: "7g3k-x9tm-4hqe-20vb" },
    response: { recovery_codes: RECOVERY_CODES }
  }
}
