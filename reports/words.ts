import type { ReportArea } from './schema.ts'

// What codes are called in the report. A mark is a shape and a word: neither colour nor shape alone says anything.

interface Mark {
  readonly word: string
  readonly shape: 'check' | 'triangle' | 'diamond' | 'ring' | 'dash'
  readonly tone: 'good' | 'bad' | 'doubt' | 'quiet'
}

export const MARKS: Readonly<Record<string, Mark>> = {
  // Verdicts
  met: { word: 'No deviations', shape: 'check', tone: 'good' },
  deviations: { word: 'Deviations, none open', shape: 'ring', tone: 'doubt' },
  failing: { word: 'Failing', shape: 'triangle', tone: 'bad' },
  not_assessed: { word: 'Not assessed', shape: 'dash', tone: 'quiet' },
  // States of findings
  pass: { word: 'Pass', shape: 'check', tone: 'good' },
  fail: { word: 'Fail', shape: 'triangle', tone: 'bad' },
  unknown: { word: 'Unknown', shape: 'diamond', tone: 'doubt' },
  pending: { word: 'Pending', shape: 'ring', tone: 'doubt' },
  not_applicable: { word: 'Not applicable', shape: 'dash', tone: 'quiet' },
  // Outcomes of audit events
  success: { word: 'Success', shape: 'check', tone: 'good' },
  failure: { word: 'Failure', shape: 'triangle', tone: 'bad' },
  // Steps of actions
  requested: { word: 'Requested', shape: 'ring', tone: 'quiet' },
  accepted: { word: 'Accepted', shape: 'ring', tone: 'quiet' },
  failed: { word: 'Failed', shape: 'triangle', tone: 'bad' },
  suppressed: { word: 'Suppressed', shape: 'dash', tone: 'quiet' },
  verified: { word: 'Verified', shape: 'check', tone: 'good' },
  ineffective: { word: 'Ineffective', shape: 'triangle', tone: 'bad' },
  prune: { word: 'Pruned', shape: 'dash', tone: 'quiet' },
  erase: { word: 'Erased', shape: 'dash', tone: 'quiet' },
  hold: { word: 'Held', shape: 'ring', tone: 'quiet' },
  release: { word: 'Released', shape: 'ring', tone: 'quiet' },
  resolved: { word: 'Resolved', shape: 'check', tone: 'good' },
  open: { word: 'Not resolved', shape: 'triangle', tone: 'bad' },
}

/** 8 × 8 units. */
export const SHAPES: Readonly<Record<Mark['shape'], string>> = {
  check:
    '<circle cx="4" cy="4" r="3.6" fill="currentColor"/><path d="M2.2 4.1l1.3 1.3 2.4-2.7" fill="none" stroke="#fff" stroke-width="1"/>',
  triangle:
    '<path d="M4 .5L7.8 7.4H.2z" fill="currentColor"/><path d="M4 2.9v2.2M4 5.9v.7" stroke="#fff" stroke-width=".9"/>',
  diamond:
    '<path d="M4 .5L7.5 4 4 7.5.5 4z" fill="none" stroke="currentColor" stroke-width=".9"/><path d="M4 2.3v2.1M4 5v.8" stroke="currentColor" stroke-width=".9"/>',
  ring: '<circle cx="4" cy="4" r="3.1" fill="none" stroke="currentColor" stroke-width="1"/><circle cx="4" cy="4" r="1.1" fill="currentColor"/>',
  dash: '<path d="M1 4h6" stroke="currentColor" stroke-width="1.1"/>',
}

export const AREA_NAMES: Readonly<Record<ReportArea, string>> = {
  revocation_lists: 'Certificate revocation lists',
  ocsp: 'OCSP responders',
  certificates: 'Certificates',
  tls: 'TLS services',
  systems: 'CA servers and control planes',
  audit: 'CA audit trail',
  monitoring: 'Monitoring itself',
}

export const GAP_NAMES: Readonly<Record<string, string>> = {
  before_start: 'Before the oldest record',
  stopped: 'Stopped and started again',
  crashed: 'Ended without a stop record',
  silent: 'Running, and no observation is there',
  after_end: 'After the end of the journal',
}

export const ANCHOR_NAMES: Readonly<Record<string, string>> = {
  timestamp: 'Timestamp',
  cosignature: 'Cosignature',
  kept: 'Kept checkpoint',
}
