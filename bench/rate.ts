/** Milliseconds, after which the compiler is done. */
const WARM_UP = 3_000

/** Does it again and again, as many at once as told. Prints operations and CPU seconds of this process. */
export async function printRate(
  seconds: number,
  concurrency: number,
  operation: () => Promise<void>,
): Promise<void> {
  const run = async (milliseconds: number): Promise<number> => {
    const end = performance.now() + milliseconds
    let operations = 0
    const worker = async (): Promise<void> => {
      for (; performance.now() < end; operations++) await operation()
    }
    await Promise.all(Array.from({ length: concurrency }, worker))
    return operations
  }
  await run(WARM_UP)
  const before = process.cpuUsage()
  const operations = await run(seconds * 1000)
  const { user, system } = process.cpuUsage(before)
  console.log(JSON.stringify({ operations, cpu: (user + system) / 1e6 }))
}
