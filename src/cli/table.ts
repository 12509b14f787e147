/** Aligned columns and wrapped text for terminals. */
import { styleText } from 'node:util';

/** Styles for one stream; plain text where it is no terminal, or where NO_COLOR asks for it. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly red: (text: string) => string;
}

/** The styles that a stream can show. */
export function styleFor(stream: NodeJS.WriteStream): Style {
  const style = (format: 'bold' | 'dim' | 'yellow' | 'red') => (text: string) => styleText(format, text, { stream });
  return { bold: style('bold'), dim: style('dim'), yellow: style('yellow'), red: style('red') };
}

/** One cell: text, and how to paint it once it has its width. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

/**
 * Lines of cells as aligned columns, two spaces apart; nothing trails. `widths` are the least widths of the columns.
 */
export function formatTable(rows: readonly (readonly Cell[])[], indent = 2, widths: readonly number[] = []): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const width = Array.from({ length: columns }, (_, i) =>
    Math.max(widths[i] ?? 0, ...rows.map((row) => row[i]?.text.length ?? 0)),
  );
  return rows.map((row) => {
    const last = row.findLastIndex(({ text }) => text !== '');
    const cells = row.slice(0, last + 1).map(({ text, paint }, i) => {
      const padding = i === last ? '' : ' '.repeat(width[i]! - text.length);
      return `${paint ? paint(text) : text}${padding}`;
    });
    return `${' '.repeat(indent)}${cells.join('  ')}`.trimEnd();
  });
}

/** Text broken at spaces to lines of at most `width`; a longer word stands alone. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
