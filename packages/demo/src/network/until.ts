/** Asks until the answer is yes. @throws where it is not within 60 s */
export async function until(what: string, test: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + mostMs;
  while (!(await test())) {
    if (performance.now() > endMs) throw new Error(`not within ${mostMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** More than it takes on a machine that does much else. */
const mostMs = 60_000;
