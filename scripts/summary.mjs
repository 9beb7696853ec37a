// Adds up vitest's JSON reports: node scripts/summary.mjs FILE...
import { existsSync, readFileSync } from 'node:fs';

const files = process.argv.slice(2);
const reports = files.filter((file) => existsSync(file)).map((file) => JSON.parse(readFileSync(file, 'utf8')));
const total = (field) => reports.reduce((sum, report) => sum + (report[field] ?? 0), 0);
// A file that does not even load is a suite that failed without a failed test.
const broken = reports
  .flatMap(({ testResults }) => testResults)
  .filter(({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0);
const failed = total('numFailedTests') + broken.length;
const passed = total('numPassedTests');
console.log(`tests: ${passed} passed, ${failed} failed, ${total('numPendingTests') + total('numTodoTests')} skipped`);
console.log(`${passed} passed, ${failed} failed`);
