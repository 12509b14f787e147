/**
 * What helm/sluice/Chart.yaml says of where the project is published: `repository` of package.json is the one place
 * that names it.
 */
import { parseDocument } from 'yaml';
import { repositoryUrl } from '../monitoring/repository.ts';

/** Chart.yaml with its links as they must be; all else stays as it is written. */
export function withLinks(text: string): string {
  const document = parseDocument(text);
  const raw = repositoryUrl.replace('https://github.com/', 'https://raw.githubusercontent.com/');
  document.set('home', repositoryUrl);
  document.set('icon', `${raw}/main/src/page/icon.svg`);
  document.set('sources', [repositoryUrl]);
  document.set('maintainers', [{ name: 'The maintainers of Sluice', url: repositoryUrl }]);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
