import { format, outcomeOf, type Row } from './report.ts';

/**
 * A plot of figures: a bar for each, those of one unit in one block and to one scale, and what became of each goal.
 *
 * @param title - with the versions that the figures are for
 * @returns an SVG document that needs nothing but itself
 */
export function plotOf(title: string, rows: readonly Row[]): string {
  const measured = rows.filter(({ value }) => value !== undefined && Number.isFinite(value));
  const blocks = new Map<string, Row[]>();
  for (const row of measured) blocks.set(blockOf(row), [...(blocks.get(blockOf(row)) ?? []), row]);
  const parts: string[] = [text(margin, 24, title, 'font-weight="bold"')];
  let y = 40;
  for (const [name, block] of blocks) {
    y += 24;
    parts.push(text(margin, y, name, 'font-weight="bold"'));
    const most = Math.max(...block.map(({ value, atLeast = 0, atMost = 0 }) => Math.max(value!, atLeast, atMost)));
    for (const row of block) {
      y += lineHeight;
      parts.push(...barOf(row, y, most));
    }
  }
  const height = y + margin;
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`;
  return [head, `<rect width="${width}" height="${height}" fill="#fff"/>`, ...parts, '</svg>', ''].join('\n');
}

/** Text as it may stand in XML, in an attribute too. */
export function escapeXml(value: string): string {
  return value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function blockOf({ name, unit }: Row): string {
  const at = name.indexOf(':');
  return `${at < 0 ? name : name.slice(0, at)}${unit === '' ? '' : `, ${unit}`}`;
}

function barOf(row: Row, y: number, most: number): string[] {
  const { name, value, atLeast, atMost } = row;
  const outcome = outcomeOf(row);
  const lengthOf = (figure: number) => (most > 0 ? (Math.max(0, figure) / most) * barWidth : 0);
  const goal = atLeast ?? atMost;
  const colour = outcome === undefined ? '#8899aa' : outcome === 'met' ? '#2e7d32' : '#c62828';
  const label = `${format(value!)}${outcome === undefined ? '' : `  ${row.goal ?? 'goal'} ${outcome}`}`;
  return [
    text(margin, y, name.slice(name.indexOf(':') + 1).trim()),
    `<rect x="${barAt}" y="${y - 10}" width="${lengthOf(value!).toFixed(1)}" height="12" fill="${colour}"/>`,
    ...(goal === undefined
      ? []
      : [
          `<line x1="${(barAt + lengthOf(goal)).toFixed(1)}" x2="${(barAt + lengthOf(goal)).toFixed(1)}" y1="${y - 12}" y2="${y + 4}" stroke="#000"/>`,
        ]),
    text(barAt + barWidth + 12, y, label),
  ];
}

function text(x: number, y: number, value: string, more = ''): string {
  return `<text x="${x}" y="${y}"${more === '' ? '' : ` ${more}`}>${escapeXml(value)}</text>`;
}

const margin = 20;
const lineHeight = 18;
const barAt = 460;
const barWidth = 400;
const width = 1_060;
