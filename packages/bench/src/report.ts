/** One figure, with the goal that it has, if it has one. */
export interface Row {
  readonly name: string;
  /** Undefined where it was not measured. */
  readonly value: number | undefined;
  readonly unit: string;
  /** The lowest and the highest of the rounds. */
  readonly spread?: readonly [number, number];
  /** The largest value that meets the goal. */
  readonly atMost?: number;
  /** The smallest one. */
  readonly atLeast?: number;
  /** Of the list of goals, such as P2. */
  readonly goal?: string;
  /** Why it was not measured, or how it was. */
  readonly note?: string;
}

/** What became of a goal; undefined for a row without one. */
export function outcomeOf({ value, atMost, atLeast }: Row): 'met' | 'MISSED' | 'not measured' | undefined {
  if (atMost === undefined && atLeast === undefined) return undefined;
  if (value === undefined) return 'not measured';
  return value <= (atMost ?? Infinity) && value >= (atLeast ?? -Infinity) ? 'met' : 'MISSED';
}

/** The figures as text; a goal that is missed says so. */
export function tableOf(rows: readonly Row[]): string {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map((row) => lineOf(row, width)).join('\n');
}

/** The goals alone, each with what became of it. */
export function goalsOf(rows: readonly Row[]): string {
  return tableOf(rows.filter((row) => row.goal !== undefined));
}

/** A figure with as many digits as it is worth. */
export function format(value: number): string {
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

function lineOf(row: Row, width: number): string {
  const { name, value, unit, spread, note } = row;
  const figure = value === undefined ? '–' : format(value);
  const range = spread === undefined ? '' : `(${format(spread[0])} to ${format(spread[1])})`;
  const why = note === undefined ? '' : `${value === undefined && outcomeOf(row) === undefined ? 'SKIP ' : ''}${note}`;
  const parts = [name.padEnd(width), figure.padStart(10), unit.padEnd(12), range, goalText(row), why];
  return parts
    .filter((part) => part !== '')
    .join('  ')
    .trimEnd();
}

function goalText(row: Row): string {
  const outcome = outcomeOf(row);
  if (outcome === undefined) return '';
  const bounds = [
    ...(row.atLeast === undefined ? [] : [`≥ ${format(row.atLeast)}`]),
    ...(row.atMost === undefined ? [] : [`≤ ${format(row.atMost)}`]),
  ];
  return `goal ${[row.goal, ...bounds].filter((part) => part !== undefined).join(' ')}  ${outcome}`;
}
