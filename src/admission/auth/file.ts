/** Files of users, tokens and the like: one entry a line. */

/** What a file means, or what is wrong with it, in words that follow its name. */
export type ParsedFile<T> = { readonly value: T } | { readonly problem: string };

/** The lines that say something, counted from 1; a `#` begins a line that says nothing. */
export function linesOf(text: string): { readonly number: number; readonly content: string }[] {
  return text
    .split(/\r?\n/)
    .map((content, i) => ({ number: i + 1, content: content.trim() }))
    .filter(({ content }) => content !== '' && !content.startsWith('#'));
}
