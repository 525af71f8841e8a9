const thingSchema = { type: "object", properties: { thing_id: { type: "string" } }, required: ["thing_id"] }
const problemSchema = { type: "object", properties: { code: { type: "string" } } }
const json = (schema: object) => ({ content: { "application/json": { schema } } })

/** A small API with an id in a path, and a resource that is changed with its `ETag`. */
export const DOCUMENT = {
  paths: {
    "/things": {
      get: {
        parameters: [{ name: "size", in: "query", schema: { type: "string", pattern: "^\\d{1,3}$" } }],
        responses: {
          "200": json(thingSchema),
          "400": { content: { "application/problem+json": { schema: problemSchema } } }
        }
      }
    },
    "/things/{thing_id}": {
      post: {
        parameters: [{ name: "thing_id", in: "path", required: true, schema: { type: "string" } }],
        requestBody: json({ type: "object", properties: { note: { type: "string" } }, required: ["note"] }),
        responses: { "200": json(thingSchema) }
      },
      put: {
        security: [{ administrator: [] }],
        parameters: [
          { name: "thing_id", in: "path", required: true, schema: { type: "string" } },
          { name: "if-match", in: "header", required: true, schema: { type: "string" } }
        ],
        requestBody: {
          content: {
            "application/json": {
              schema: {
                type: "object",
                properties: { label: { type: "string" }, level: { type: "integer" } },
                required: ["label", "level"]
              },
              example: { label: "documented", level: 3 }
            }
          }
        },
        responses: { "200": json(thingSchema) }
      }
    }
  },
  components: { schemas: {} }
}
