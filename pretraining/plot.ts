/**
 * Draws the training's log: loss, masked accuracy and tokens per second over the steps of both phases, as one SVG.
 *
 *   npx tsx pretraining/plot.ts [--log pretraining/results/log.jsonl] [--out pretraining/results/log.svg]
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { readRows } from './support/rows';
import type { LogLine } from './training/log';

const { values } = parseArgs({
  options: {
    log: { type: 'string', default: 'pretraining/results/log.jsonl' },
    out: { type: 'string', default: 'pretraining/results/log.svg' },
  },
});
const [WIDTH, HEIGHT, LEFT, GAP] = [760, 150, 70, 46];

interface Curve {
  readonly title: string;
  readonly of: (line: LogLine) => number | undefined;
}
const curves: readonly Curve[] = [
  { title: 'masked language modelling: loss', of: ({ maskedLm }) => numberOf(maskedLm) },
  { title: 'masked accuracy', of: ({ maskedAccuracy }) => numberOf(maskedAccuracy) },
  { title: 'distillation: 1 − cosine to e5', of: ({ e5 }) => numberOf(e5) },
  { title: 'distillation: 1 − cosine to MiniLM', of: ({ minilm }) => numberOf(minilm) },
  { title: 'tokens per second', of: ({ tokensPerSecond }) => tokensPerSecond },
];
const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

const lines = readRows<LogLine>(values.log);
/** Steps of the second phase go on where the first one ended. */
const firstSteps = Math.max(0, ...lines.filter(({ phase }) => phase === 'mlm').map(({ step }) => step));
const at = ({ phase, step }: LogLine): number => (phase === 'mlm' ? step : firstSteps + step);
const last = Math.max(...lines.map(at));

function panel({ title, of }: Curve, number: number): string {
  const top = number * (HEIGHT + GAP) + 24;
  const points = lines.flatMap((line) => {
    const y = of(line);
    return y === undefined ? [] : [{ x: at(line), y }];
  });
  const highest = Math.max(...points.map(({ y }) => y)) || 1;
  const x = (step: number) => (LEFT + (step / last) * (WIDTH - LEFT - 10)).toFixed(1);
  const y = (value: number) => (top + HEIGHT - (value / highest) * HEIGHT).toFixed(1);
  const text = (px: number | string, py: number, words: string, anchor = 'start') =>
    `<text x="${px}" y="${py}" text-anchor="${anchor}">${words}</text>`;
  return [
    text(LEFT, top - 8, title),
    text(LEFT - 6, top + 8, String(Number(highest.toPrecision(3))), 'end'),
    text(LEFT - 6, top + HEIGHT, '0', 'end'),
    `<path d="M${LEFT} ${top}V${top + HEIGHT}H${WIDTH - 10}" stroke="#999"/>`,
    firstSteps < last ? `<path d="M${x(firstSteps)} ${top}V${top + HEIGHT}" stroke="#ccc" stroke-dasharray="4"/>` : '',
    `<polyline points="${points.map((point) => `${x(point.x)},${y(point.y)}`).join(' ')}" stroke="#2563eb" stroke-width="1.5"/>`,
  ].join('\n');
}

const drawn = curves.filter(({ of }) => lines.some((line) => of(line) !== undefined));
const height = drawn.length * (HEIGHT + GAP) + 30;
const steps = `<text x="${WIDTH - 10}" y="${height - 8}" text-anchor="end">${last} steps; dashed: end of the first phase</text>`;
writeFileSync(
  values.out,
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<g fill="none">${drawn.map(panel).join('\n').replaceAll('<text', '<text fill="#333"')}</g>
${steps}
</svg>
`,
);
console.log(`${values.out}: ${lines.length} lines of the log`);
