// Values that the calls of every user return. Those of one feature are in its folder.

export type * from "./AssetValues.ts"
export type * from "./AuditValues.ts"
export type * from "./ConversionValues.ts"
export type * from "./RateValues.ts"
