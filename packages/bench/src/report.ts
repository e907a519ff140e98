/** One figure, with the goal that it has, if it has one. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The largest value that meets the goal. */
  readonly atMost?: number;
}

/** Prints the figures; a goal that is missed is printed as missed. */
export function printTable(rows: readonly Row[]): void {
  console.log(`Node ${process.version}, medians of alternating rounds; ratios are taken round by round\n`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  for (const { name, value, unit, atMost } of rows) {
    const goal = atMost === undefined ? '' : `goal ≤ ${format(atMost)}  ${value <= atMost ? 'met' : 'MISSED'}`;
    console.log(`${name.padEnd(width)}  ${format(value).padStart(10)} ${unit.padEnd(12)} ${goal}`.trimEnd());
  }
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
