import type { Examples } from "./Example.ts"

const USER = {
  id: "01a22a37-399f-7391-879e-20d2b94c6301",
  username: "amara",
  email: "amara@example.com",
  role: "user",
  created_at: "2026-11-30T02:09:52.031Z",
  locked_at: null
}

const LOCKED = { ...USER, locked_at: "2026-11-30T05:20:11.417Z" }

const parameters = { user_id: USER.id }

/** Examples of the administration of users, by operation id. */
export const UserAdminExamples: Examples = {
  "userAdmin.users": {
    parameters: { prefix: "ama" },
    response: { data: [USER], has_more: false, next: null }
  },
  "userAdmin.user": { parameters, response: USER },
  "userAdmin.lock": { parameters, request: { reason: "Stolen laptop, ticket 81" }, response: LOCKED },
  "userAdmin.unlock": { parameters, request: { reason: "Laptop found, ticket 81" }, response: USER },
  "userAdmin.resetMfa": { parameters, request: { reason: "Lost phone, passport checked" }, response: USER },
  "userAdmin.endSessions": { parameters, request: { reason: "Suspicious sign-in" }, response: USER },
  "userAdmin.setRole": {
    parameters,
    request: { role: "admin", reason: "Deputy of Ada" },
    response: { ...USER, role: "admin" }
  },
  "userAdmin.actions": {
    parameters: { subject: USER.id },
    response: {
      data: [
        {
          id: "01a22ae5-7119-7e0a-9c41-0b5e6d7f8a91",
          at: "2026-11-30T05:20:11.417Z",
          principal: "user:01a22a30-1c2d-7f4b-8a3e-5d6c7b8a9f01",
          action: "user.lock",
          subject: USER.id,
          reason: "Stolen laptop, ticket 81",
          details: { sessions_ended: 2 }
        }
      ],
      has_more: false,
      next: null
    }
  }
}
