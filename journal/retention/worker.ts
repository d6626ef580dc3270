import { parentPort, workerData } from 'node:worker_threads'
import { answerRetention, type RetentionQuestion } from './thread.ts'

// Reads a journal away from the event loop, to find what is due, or recorded as gone and still there.

parentPort?.postMessage(await answerRetention(workerData as RetentionQuestion))
