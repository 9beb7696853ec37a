import type { LanguageResult } from './byLanguage';

const [LABELS, SCALE, NUMBERS, ROW] = [90, 300, 50, 22];

/**
 * A picture of accuracies as SVG text: for each language a dot and its interval on a scale from 0 to 1, and a dashed line where the first one's
 * accuracy is. The colour is that of the text around it.
 */
export function languagePlot(rows: readonly (readonly [name: string, result: LanguageResult])[]): string {
  const x = (share: number) => (LABELS + SCALE * share).toFixed(1);
  const [width, bottom] = [LABELS + SCALE + NUMBERS, ROW * (rows.length + 0.5)];
  const lines = rows.map(
    (
      [
        name,
        {
          accuracy,
          interval: [low, high],
        },
      ],
      row,
    ) => {
      const y = ROW * (row + 0.75);
      return (
        `<text x="${LABELS - 10}" y="${y + 4}" text-anchor="end">${escaped(name)}</text>` +
        `<line x1="${x(low)}" x2="${x(high)}" y1="${y}" y2="${y}" stroke="currentColor" stroke-width="2"/>` +
        `<circle cx="${x(accuracy)}" cy="${y}" r="4"/>` +
        `<text x="${width - NUMBERS + 8}" y="${y + 4}">${accuracy.toFixed(3)}</text>`
      );
    },
  );
  const source = x(rows[0]![1].accuracy);
  const scale = [0, 0.5, 1].map((share) => `<text x="${x(share)}" y="${bottom + 14}" text-anchor="middle">${share}</text>`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${bottom + 20}" fill="currentColor" font-family="sans-serif" font-size="12">`,
    `<title>Accuracy by language</title>`,
    `<line x1="${x(0)}" x2="${x(1)}" y1="${bottom}" y2="${bottom}" stroke="currentColor"/>`,
    `<line x1="${source}" x2="${source}" y1="0" y2="${bottom}" stroke="currentColor" stroke-dasharray="3"/>`,
    ...lines,
    ...scale,
    '</svg>',
  ].join('\n');
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
