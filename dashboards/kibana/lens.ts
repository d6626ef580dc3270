// Lens visualizations as Kibana saves them: a table of columns over one data view, and how it is drawn.

/** Kibana 8.9 wrote objects of these versions; later ones migrate them when they are imported. */
export const MIGRATION = {
  core: '8.8.0',
  lens: '8.9.0',
  dashboard: '8.9.0',
  search: '8.0.0',
  dataView: '8.0.0',
}

export interface Reference {
  readonly id: string
  readonly name: string
  readonly type: 'index-pattern' | 'lens' | 'search'
}

export interface SavedObject {
  readonly id: string
  readonly type: 'index-pattern' | 'lens' | 'search' | 'dashboard'
  readonly attributes: object
  readonly references: readonly Reference[]
  readonly coreMigrationVersion: string
  readonly typeMigrationVersion: string
  readonly managed: false
}

/** One column: the values that rows are made of, or a figure for each row. */
export type Column =
  | { readonly kind: 'time'; readonly label: string; readonly field: string }
  | { readonly kind: 'values'; readonly label: string; readonly field: string; readonly size: number }
  | { readonly kind: 'count'; readonly label: string }
  | { readonly kind: 'distinct'; readonly label: string; readonly field: string }
  | { readonly kind: 'last'; readonly label: string; readonly field: string }

/** Which documents: those with a value, or with any. */
interface Filter {
  readonly field: string
  readonly value?: string
}

type Drawing = 'bars over time' | 'table' | 'donut' | 'figure'

export interface Lens {
  readonly id: string
  readonly title: string
  readonly description: string
  readonly drawing: Drawing
  readonly filters: readonly Filter[]
  readonly columns: readonly Column[]
}

const LAYER = 'events'

export function lensObject(lens: Lens, dataView: string): SavedObject {
  const { id, title, description, columns, filters, drawing } = lens
  const ids = columns.map((_, i) => columnId(i))
  const figure = ids.find((_, i) => !isBucket(columns[i])) ?? ''
  return {
    id,
    type: 'lens',
    attributes: {
      title,
      description,
      visualizationType: TYPES[drawing],
      state: {
        datasourceStates: {
          formBased: {
            layers: {
              [LAYER]: {
                columnOrder: ids,
                columns: Object.fromEntries(
                  columns.map((column, i) => [columnId(i), columnState(column, figure)] as const),
                ),
                incompleteColumns: {},
                sampling: 1,
              },
            },
          },
        },
        visualization: visualization(drawing, columns, ids),
        query: { language: 'kuery', query: '' },
        filters: filters.map(filterState),
        internalReferences: [],
        adHocDataViews: {},
      },
    },
    references: [{ id: dataView, name: `indexpattern-datasource-layer-${LAYER}`, type: 'index-pattern' }],
    coreMigrationVersion: MIGRATION.core,
    typeMigrationVersion: MIGRATION.lens,
    managed: false,
  }
}

function columnId(i: number): string {
  return `column-${i + 1}`
}

const TYPES: Readonly<Record<Drawing, string>> = {
  'bars over time': 'lnsXY',
  table: 'lnsDatatable',
  donut: 'lnsPie',
  figure: 'lnsMetric',
}

function isBucket(column: Column | undefined): boolean {
  return column?.kind === 'time' || column?.kind === 'values'
}

function columnState(column: Column, orderBy: string): object {
  const { label } = column
  switch (column.kind) {
    case 'time':
      return {
        label,
        customLabel: true,
        dataType: 'date',
        isBucketed: true,
        scale: 'interval',
        operationType: 'date_histogram',
        sourceField: column.field,
        params: { interval: 'auto', includeEmptyRows: true, dropPartials: false },
      }
    case 'values':
      return {
        label,
        customLabel: true,
        dataType: 'string',
        isBucketed: true,
        scale: 'ordinal',
        operationType: 'terms',
        sourceField: column.field,
        params: {
          size: column.size,
          orderBy: { type: 'column', columnId: orderBy },
          orderDirection: 'desc',
          otherBucket: false,
          missingBucket: false,
          parentFormat: { id: 'terms' },
          include: [],
          exclude: [],
          includeIsRegex: false,
          excludeIsRegex: false,
        },
      }
    case 'count':
      return {
        label,
        customLabel: true,
        dataType: 'number',
        isBucketed: false,
        scale: 'ratio',
        operationType: 'count',
        sourceField: '___records___',
        params: { emptyAsNull: true },
      }
    case 'distinct':
      return {
        label,
        customLabel: true,
        dataType: 'number',
        isBucketed: false,
        scale: 'ratio',
        operationType: 'unique_count',
        sourceField: column.field,
        params: { emptyAsNull: true },
      }
    case 'last':
      return {
        label,
        customLabel: true,
        dataType: 'date',
        isBucketed: false,
        scale: 'ratio',
        operationType: 'max',
        sourceField: column.field,
        params: { emptyAsNull: true },
      }
  }
}

function filterState({ field, value }: Filter): object {
  const $state = { store: 'appState' }
  const meta = { alias: null, disabled: false, negate: false, key: field }
  return value === undefined
    ? { $state, meta: { ...meta, type: 'exists', value: 'exists' }, query: { exists: { field } } }
    : {
        $state,
        meta: { ...meta, type: 'phrase', params: { query: value } },
        query: { match_phrase: { [field]: value } },
      }
}

function visualization(drawing: Drawing, columns: readonly Column[], ids: readonly string[]): object {
  const figures = ids.filter((_, i) => !isBucket(columns[i]))
  const groups = ids.filter((_, i) => columns[i]?.kind === 'values')
  const layer = { layerId: LAYER, layerType: 'data' }
  switch (drawing) {
    case 'bars over time':
      return {
        legend: { isVisible: true, position: 'right' },
        valueLabels: 'hide',
        preferredSeriesType: 'bar_stacked',
        layers: [
          {
            ...layer,
            seriesType: 'bar_stacked',
            xAccessor: ids.find((_, i) => columns[i]?.kind === 'time'),
            accessors: figures,
            ...(groups[0] === undefined ? {} : { splitAccessor: groups[0] }),
          },
        ],
      }
    case 'table':
      return { ...layer, columns: ids.map((columnId) => ({ columnId })) }
    case 'donut':
      return {
        shape: 'donut',
        layers: [
          {
            ...layer,
            primaryGroups: groups,
            metrics: figures,
            numberDisplay: 'percent',
            categoryDisplay: 'default',
            legendDisplay: 'default',
          },
        ],
      }
    case 'figure':
      return { ...layer, metricAccessor: figures[0] }
  }
}
