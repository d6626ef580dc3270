import { parentPort } from 'node:worker_threads'
import { sampleCrl, type CrlQuestion } from './crlSample.ts'

// Reads one big CRL away from the event loop.

parentPort?.once('message', (question: CrlQuestion) => parentPort?.postMessage(sampleCrl(question)))
