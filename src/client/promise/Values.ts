// Values that the calls of every user return. Those of one feature are in its folder.

export type * from "./rates/AssetValues.ts"
export type * from "./conversion/AuditValues.ts"
export type * from "./conversion/ConversionValues.ts"
export type * from "./rates/RateValues.ts"
