import { NOTHING_SEEN, type Row } from '../row.ts'

/** So that what is too large or too slow is so soon. */
const SMALL = { probes: { max_size: 64 * 1024, crl: { timeout: '2s' } } }
const unavailable = { rules: ['crl_available'], unsettled: NOTHING_SEEN } as const

export const DELIVERY_ROWS: readonly Row[] = [
  {
    id: 'C28',
    fault: 'crl-huge',
    target: 'issuing-1',
    ...unavailable,
    settings: SMALL,
    endsWith: 'next_crl',
  },
  { id: 'D01', fault: 'crl-not-found', target: 'issuing-1', ...unavailable },
  { id: 'D01', fault: 'crl-server-error', target: 'issuing-1', ...unavailable },
  { id: 'D02', fault: 'crl-one-address-old', target: 'issuing-1', rules: ['crl_addresses_agree'] },
  { id: 'D02', fault: 'crl-one-address-down', target: 'issuing-1', rules: ['crl_addresses_well'] },
  {
    id: 'D03',
    fault: 'crl-cached-past-end',
    target: 'issuing-1',
    rules: ['crl_cache_ends', 'crl_cache_short'],
  },
  { id: 'D04', fault: 'crl-cached-long', target: 'issuing-1', rules: ['crl_cache_short'] },
  { id: 'D05', fault: 'crl-media-type', target: 'issuing-1', rules: ['crl_media_type'] },
  { id: 'D06', fault: 'crl-pem', target: 'issuing-1', rules: ['crl_valid'], unsettled: NOTHING_SEEN },
  { id: 'D06', fault: 'crl-base64', target: 'issuing-1', rules: ['crl_valid'], unsettled: NOTHING_SEEN },
  { id: 'D08', fault: 'crl-copy-old', target: 'issuing-2', rules: ['crl_copies_agree'] },
  ...['crl-redirect-loop', 'crl-truncated', 'crl-gzip-bomb', 'crl-endless', 'crl-drip'].map((fault) => ({
    id: 'D09',
    fault,
    target: 'issuing-1',
    ...unavailable,
    settings: SMALL,
  })),
]
