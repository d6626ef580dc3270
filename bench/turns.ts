/**
 * The longest turn of the event loop meanwhile, in milliseconds of CPU time of this thread: for so long everybody else has to wait. Unlike
 * `monitorEventLoopDelay` it does not count that a busy machine let the process wait.
 */
export async function longestTurn(work: () => Promise<void>): Promise<number> {
  let longest = 0
  let last = cpu()
  let isOver = false
  const turn = (): void => {
    const now = cpu()
    longest = Math.max(longest, now - last)
    last = now
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  try {
    await work()
    // The turn in which it ended counts, too.
    await new Promise(setImmediate)
  } finally {
    isOver = true
  }
  return longest
}

function cpu(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
