import { parentPort } from 'node:worker_threads'
import { compare, type PartitionOctets } from './compare.ts'

// Compares the partitions of one list away from the event loop.

parentPort?.once('message', (lists: readonly PartitionOctets[]) => parentPort?.postMessage(compare(lists)))
