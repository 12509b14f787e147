/**
 * Prints the files of a suite that are worth a second run: those with a failed test, where they are at most three. More
 * than that is a fault and no accident of a busy machine.
 */
import { relative } from 'node:path';
import { failuresOf, filesOf } from './report.ts';

const [report] = process.argv.slice(2);
const failed = (filesOf(report!) ?? []).filter((file) => failuresOf(file).length > 0);
if (failed.length <= 3) for (const { name } of failed) console.log(relative(process.cwd(), name));
