import { readFileSync } from 'node:fs';

/** Peak and current resident memory of this process in bytes. */
export function residentMemory(): { peak: number; now: number } {
  try {
    const status = readFileSync('/proc/self/status', 'utf8');
    const bytes = (field: string) => Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)![1]) * 1024;
    return { peak: bytes('VmHWM'), now: bytes('VmRSS') };
  } catch {
    return { peak: process.resourceUsage().maxRSS * 1024, now: process.memoryUsage.rss() };
  }
}
