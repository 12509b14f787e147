/** The parts of the pages that are generated: tables, paragraphs, and what stands between two marks of a page. */

/** As many columns as the pages that are written by hand. */
const columns = 120;

/** A table; a cell is Markdown without line breaks. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)].join('\n');
}

function row(cells: readonly string[]): string {
  return `|${cells.map((cell) => (cell === '' ? ' |' : ` ${cell} |`)).join('')}`;
}

/** Text as code. */
export function code(text: string): string {
  return `\`${text}\``;
}

/**
 * A paragraph or an entry of a list, in lines; code is not torn apart. `indent` stands before all lines but the first.
 */
export function paragraph(text: string, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = indent + word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].join('\n');
}

/**
 * A page with another text between its marks, which are `<!-- NAME: … -->` and `<!-- /NAME -->`; throws without them.
 */
export function replaceMarked(page: string, name: string, text: string): string {
  const marked = new RegExp(`(<!-- ${name}: [^>]*-->\n).*?(<!-- /${name} -->)`, 's');
  if (!marked.test(page)) throw new Error(`the page must have <!-- ${name}: … --> and <!-- /${name} -->`);
  return page.replace(marked, (_, begin: string, end: string) => `${begin}\n${text.trimEnd()}\n\n${end}`);
}
