import type { Diagnosis } from './doctor';
import { columns, gigabytes } from './text';

/** The diagnosis for people. */
export function formatDiagnosis(found: Diagnosis): string {
  const best = found.engines.find(({ usable }) => usable)?.name;
  const engines = found.engines.map(({ name, usable, because, hint }) => [
    usable ? (name === best ? 'default' : 'yes') : 'no',
    name,
    !usable && hint ? `${because} (${hint})` : because,
  ]);
  const packages = found.packages.map(({ name, installed, version, error }) => [
    name,
    version ?? '-',
    !installed ? 'not installed' : error === undefined ? 'installed' : `does not load: ${error}`,
  ]);
  const advice = found.advice.map(
    ({ kind, text, commands }) => `${kind}: ${text}${commands.map((command) => `\n    ${command}`).join('')}`,
  );
  return [
    `holdfast ${found.holdfast}, Node ${found.node}, ${found.platform} ${found.arch}${found.libc ? ` (${found.libc})` : ''}`,
    `${found.cores} cores, ${gigabytes(found.memory.total)} memory, ${gigabytes(found.memory.free)} free`,
    `\nEngines\n${indent(found.enginesError === undefined ? columns(engines) : `none could be tried: ${found.enginesError}`)}`,
    `\nPackages\n${indent(columns(packages))}`,
    `\n${advice.length > 0 ? advice.join('\n\n') : 'Nothing to do.'}`,
  ].join('\n');
}

const indent = (text: string): string => text.replaceAll(/^/gm, '  ');
