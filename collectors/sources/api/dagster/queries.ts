import { z } from 'zod'

const METADATA = `metadataEntries { __typename label description
  ... on TextMetadataEntry { text } ... on IntMetadataEntry { intRepr } ... on FloatMetadataEntry { floatValue }
  ... on BoolMetadataEntry { boolValue } ... on JsonMetadataEntry { jsonString } ... on UrlMetadataEntry { url }
  ... on PathMetadataEntry { path } ... on MarkdownMetadataEntry { mdStr } ... on TimestampMetadataEntry { timestamp } }`

const text = z.string().max(1_000_000)
const key = z.string().min(1).max(200)
const row = z.record(z.string(), z.unknown())
/** Float, seconds since 1970. */
const seconds = z.number().nonnegative().max(253_402_300_799)

export const RUNS = {
  name: 'runsOrError',
  query: `query ($after: Float, $cursor: String, $limit: Int) {
    runsOrError(filter: { updatedAfter: $after }, cursor: $cursor, limit: $limit) { __typename
      ... on Runs { results { runId jobName status creationTime startTime endTime updateTime
        tags { key value } assetSelection { path } } }
      ... on PythonError { message } ... on InvalidPipelineRunsFilterError { message } } }`,
  answer: z.object({
    __typename: z.literal('Runs'),
    results: z
      .array(
        z.looseObject({
          runId: key,
          jobName: text.nullish(),
          updateTime: seconds.nullish(),
          creationTime: seconds,
        }),
      )
      .max(1000),
  }),
}

export const RUN_LOG = {
  name: 'logsForRun',
  query: `query ($id: ID!, $cursor: String, $limit: Int) {
    logsForRun(runId: $id, afterCursor: $cursor, limit: $limit) { __typename
      ... on EventConnection { cursor hasMore events { __typename
        ... on MessageEvent { timestamp level stepKey eventType message }
        ... on MaterializationEvent { partition assetKey { path } ${METADATA} }
        ... on AssetCheckEvaluationEvent { evaluation { checkName success severity partition assetKey { path } } }
        ... on ExecutionStepFailureEvent { error { message className } }
        ... on RunFailureEvent { error { message className } } } }
      ... on RunNotFoundError { message } ... on PythonError { message } } }`,
  answer: z.union([
    z.object({
      __typename: z.literal('EventConnection'),
      cursor: text,
      hasMore: z.boolean(),
      events: z.array(row).max(1000),
    }),
    z.object({ __typename: z.literal('RunNotFoundError') }),
  ]),
}

export const ASSETS = {
  name: 'assetsOrError',
  query: `query ($cursor: String, $limit: Int) { assetsOrError(cursor: $cursor, limit: $limit) { __typename
    ... on AssetConnection { cursor nodes { key { path } } } ... on PythonError { message } } }`,
  answer: z.object({
    __typename: z.literal('AssetConnection'),
    cursor: text.nullish(),
    nodes: z.array(z.object({ key: z.object({ path: z.array(text).min(1).max(100) }) })).max(1000),
  }),
}

/** One event: its cursor is then its number. */
export const ASSET_EVENT = {
  name: 'assetOrError',
  query: `query ($key: AssetKeyInput!, $cursor: String, $after: String) { assetOrError(assetKey: $key) { __typename
    ... on Asset { assetEventHistory(limit: 1, cursor: $cursor, afterTimestampMillis: $after,
        eventTypeSelectors: [MATERIALIZATION, OBSERVATION, FAILED_TO_MATERIALIZE]) { cursor results { __typename
      ... on MaterializationEvent { runId timestamp partition stepKey description tags { key value } ${METADATA} }
      ... on ObservationEvent { runId timestamp partition description ${METADATA} }
      ... on FailedToMaterializeEvent { runId timestamp partition materializationFailureReason } } } } } }`,
  answer: z.object({
    __typename: z.literal('Asset'),
    assetEventHistory: z.object({
      cursor: text,
      results: z.array(z.looseObject({ runId: text, timestamp: z.string().regex(/^\d{1,16}$/) })).max(1),
    }),
  }),
}

const instigators = z.array(z.object({ name: text })).max(10_000)

export const INSTIGATORS = {
  name: 'repositoriesOrError',
  query: `query { repositoriesOrError { __typename ... on PythonError { message }
    ... on RepositoryConnection { nodes { name location { name } schedules { name } sensors { name } } } } }`,
  answer: z.object({
    __typename: z.literal('RepositoryConnection'),
    nodes: z
      .array(
        z.object({
          name: text,
          location: z.object({ name: text }),
          schedules: instigators,
          sensors: instigators,
        }),
      )
      .max(1000),
  }),
}

export const TICKS = {
  name: 'instigationStateOrError',
  query: `query ($selector: InstigationSelector!, $limit: Int, $before: Float, $after: Float, $statuses: [InstigationTickStatus!]) {
    instigationStateOrError(instigationSelector: $selector) { __typename
      ... on InstigationState { selectorId ticks(limit: $limit, beforeTimestamp: $before, afterTimestamp: $after, statuses: $statuses) {
        tickId status timestamp endTimestamp runIds skipReason error { message className } } }
      ... on PythonError { message } } }`,
  answer: z.union([
    z.object({
      __typename: z.literal('InstigationState'),
      selectorId: key,
      ticks: z
        .array(
          z.looseObject({
            tickId: z.string().regex(/^\d{1,15}$/),
            status: z.string().max(50),
            timestamp: seconds,
          }),
        )
        .max(1000),
    }),
    z.object({ __typename: z.literal('InstigationStateNotFoundError') }),
  ]),
}

export interface Query<T> {
  readonly name: string
  readonly query: string
  readonly answer: z.ZodType<T>
}
