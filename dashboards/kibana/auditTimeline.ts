import type { Column, Lens, Reference, SavedObject } from './lens.ts'
import { lensObject, MIGRATION } from './lens.ts'

// Who did what with the certification authorities, from the audit events in Elasticsearch. Runs at development time only; what it makes is
// committed as audit-timeline.ndjson (Kibana: Stack Management, Saved objects, Import).

/** Every prefix at once: one board for several vigils. */
const INDICES = 'vigil*-audit-*'
const DATA_VIEW = 'pki-vigil-audit'
const EVENTS = 'pki-vigil-audit-events'

const COUNT: Column = { kind: 'count', label: 'events' }
const LAST: Column = { kind: 'last', label: 'last', field: '@timestamp' }
const OVER_TIME: Column = { kind: 'time', label: 'time', field: '@timestamp' }
const values = (field: string, label: string, size = 20): Column => ({ kind: 'values', field, label, size })

const USER = values('user.name', 'who')
const ACTION = values('event.action', 'what')

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

/** Kibana's grid is 48 columns wide. */
const PANELS: readonly (Lens & Place)[] = [
  {
    id: 'pki-vigil-audit-count',
    title: 'Events',
    description: 'Audit events in this time.',
    drawing: 'figure',
    filters: [],
    columns: [COUNT],
    ...{ x: 0, y: 0, w: 8, h: 8 },
  },
  {
    id: 'pki-vigil-audit-users',
    title: 'Actors',
    description: 'Different users and services that acted.',
    drawing: 'figure',
    filters: [],
    columns: [{ kind: 'distinct', label: 'actors', field: 'user.name' }],
    ...{ x: 8, y: 0, w: 8, h: 8 },
  },
  {
    id: 'pki-vigil-audit-over-time',
    title: 'What happened, over time',
    description: 'Events by what was done.',
    drawing: 'bars over time',
    filters: [],
    columns: [OVER_TIME, values('event.action', 'what', 12), COUNT],
    ...{ x: 16, y: 0, w: 32, h: 16 },
  },
  {
    id: 'pki-vigil-audit-authorities',
    title: 'By authority',
    description: 'As the source names it: its id, or its name where it gives no id.',
    drawing: 'donut',
    filters: [],
    columns: [values('vigil.authority', 'authority'), COUNT],
    ...{ x: 0, y: 8, w: 16, h: 8 },
  },
  {
    id: 'pki-vigil-audit-who-what',
    title: 'Who did what',
    description: 'And when last.',
    drawing: 'table',
    filters: [],
    columns: [USER, ACTION, COUNT, LAST],
    ...{ x: 0, y: 16, w: 24, h: 14 },
  },
  {
    id: 'pki-vigil-audit-failures',
    title: 'Refused and failed',
    description: 'What was tried without success.',
    drawing: 'table',
    filters: [{ field: 'event.outcome', value: 'failure' }],
    columns: [ACTION, values('event.reason', 'why'), USER, COUNT, LAST],
    ...{ x: 24, y: 16, w: 24, h: 14 },
  },
  {
    id: 'pki-vigil-audit-issued',
    title: 'Certificates issued, over time',
    description: 'By certificate profile.',
    drawing: 'bars over time',
    filters: [{ field: 'event.action', value: 'CERT_CREATION' }],
    columns: [OVER_TIME, values('pki.profile', 'profile', 8), COUNT],
    ...{ x: 0, y: 30, w: 24, h: 12 },
  },
  {
    id: 'pki-vigil-audit-revoked',
    title: 'Revocations',
    description: 'Reasons as RFC 5280 numbers them; -1: reactivated.',
    drawing: 'table',
    filters: [{ field: 'pki.revocationReason' }],
    columns: [
      values('pki.serial', 'serial number', 50),
      values('pki.revocationReason', 'reason', 12),
      USER,
      COUNT,
      LAST,
    ],
    ...{ x: 24, y: 30, w: 24, h: 12 },
  },
  {
    id: 'pki-vigil-audit-keys',
    title: 'Keys made and changed',
    description: 'Keys and crypto tokens that events name.',
    drawing: 'table',
    filters: [{ field: 'pki.key' }],
    columns: [values('pki.key', 'key', 50), ACTION, USER, COUNT, LAST],
    ...{ x: 0, y: 42, w: 24, h: 12 },
  },
  {
    id: 'pki-vigil-audit-sources',
    title: 'Logs',
    description: 'Every log, and when it last said something.',
    drawing: 'table',
    filters: [],
    columns: [values('position.source', 'log'), values('event.dataset', 'data set', 5), COUNT, LAST],
    ...{ x: 24, y: 42, w: 24, h: 12 },
  },
]
const TABLE: Place = { x: 0, y: 54, w: 48, h: 20 }

/** The dashboard and all that it refers to, in an order in which each comes after what it needs. */
function auditTimeline(): readonly SavedObject[] {
  return [dataView(), events(), ...PANELS.map((panel) => lensObject(panel, DATA_VIEW)), dashboard()]
}

/** As Kibana imports it: one object a line. */
export function auditTimelineFile(): string {
  return auditTimeline()
    .map((object) => `${JSON.stringify(object)}\n`)
    .join('')
}

function dataView(): SavedObject {
  return {
    id: DATA_VIEW,
    type: 'index-pattern',
    attributes: {
      title: INDICES,
      name: 'PKI Vigil: audit events',
      timeFieldName: '@timestamp',
      allowNoIndex: true,
      sourceFilters: '[]',
      fields: '[]',
      fieldAttrs: '{}',
      fieldFormatMap: '{}',
      runtimeFieldMap: '{}',
      typeMeta: '{}',
    },
    references: [],
    coreMigrationVersion: MIGRATION.core,
    typeMigrationVersion: MIGRATION.dataView,
    managed: false,
  }
}

function events(): SavedObject {
  const name = 'kibanaSavedObjectMeta.searchSourceJSON.index'
  return {
    id: EVENTS,
    type: 'search',
    attributes: {
      title: 'PKI Vigil: audit events, newest first',
      description: 'Each line as the log had it, and where.',
      columns: [
        'user.name',
        'event.action',
        'event.outcome',
        'vigil.authority',
        'pki.profile',
        'pki.serial',
        'pki.subject',
        'message',
        'position.source',
        'vigil.id',
      ],
      sort: [['@timestamp', 'desc']],
      grid: {},
      hideChart: false,
      isTextBasedOnly: false,
      timeRestore: false,
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({
          highlightAll: true,
          version: true,
          query: { query: '', language: 'kuery' },
          filter: [],
          indexRefName: name,
        }),
      },
    },
    references: [{ id: DATA_VIEW, name, type: 'index-pattern' }],
    coreMigrationVersion: MIGRATION.core,
    typeMigrationVersion: MIGRATION.search,
    managed: false,
  }
}

function dashboard(): SavedObject {
  const placed: readonly (Place & { id: string; type: Reference['type'] })[] = [
    ...PANELS.map(({ id, x, y, w, h }) => ({ id, type: 'lens' as const, x, y, w, h })),
    { id: EVENTS, type: 'search', ...TABLE },
  ]
  const panels = placed.map(({ type, x, y, w, h }, i) => ({
    version: MIGRATION.dashboard,
    type,
    gridData: { x, y, w, h, i: `${i + 1}` },
    panelIndex: `${i + 1}`,
    embeddableConfig: { enhancements: {} },
    panelRefName: `panel_${i + 1}`,
  }))
  return {
    id: 'pki-vigil-audit-timeline',
    type: 'dashboard',
    attributes: {
      title: 'PKI Vigil: audit timeline',
      description:
        'Who did what with the certification authorities. Generated: changes go to dashboards/kibana/auditTimeline.ts.',
      version: 1,
      hits: 0,
      timeRestore: true,
      timeFrom: 'now-30d',
      timeTo: 'now',
      refreshInterval: { pause: true, value: 60_000 },
      optionsJSON: JSON.stringify({
        useMargins: true,
        syncColors: true,
        syncCursor: true,
        syncTooltips: false,
        hidePanelTitles: false,
      }),
      panelsJSON: JSON.stringify(panels),
      kibanaSavedObjectMeta: {
        searchSourceJSON: JSON.stringify({ query: { query: '', language: 'kuery' }, filter: [] }),
      },
    },
    references: placed.map(({ id, type }, i) => ({ id, type, name: `${i + 1}:panel_${i + 1}` })),
    coreMigrationVersion: MIGRATION.core,
    typeMigrationVersion: MIGRATION.dashboard,
    managed: false,
  }
}
