/** Names the files that failed in a suite, a line each; nothing if there are more than a few, which is no accident. */
import { suiteOf } from './reports.ts';

const [directory, suite, most] = process.argv.slice(2) as [string, string, string];
const failed = [...(suiteOf(directory, suite)?.files ?? [])].filter(([, { failures }]) => failures.length > 0);
if (failed.length <= Number(most)) for (const [file] of failed) console.log(file);
