/** Where the project is published. `repository` of package.json is the one place where it is named. */
import { readFileSync } from 'node:fs';

const { repository } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  repository: { url: string };
};

/** The repository as a browser opens it, without a slash at its end. */
export const repositoryUrl: string = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');
