#!/usr/bin/env node
import { fileURLToPath } from 'node:url';
import { cli } from './cli';

process.exitCode = await cli(process.argv.slice(2), {
  from: fileURLToPath(import.meta.url),
  project: process.cwd(),
  write: (text) => console.log(text),
  complain: (text) => console.error(text),
});
