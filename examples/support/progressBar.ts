/** One line on stderr that is drawn over; nothing where stderr is not a terminal, but for one line per title. */
export function progressBar(title: string, total: number) {
  const terminal = process.stderr.isTTY;
  const began = Date.now();
  let done = 0;
  if (!terminal) process.stderr.write(`${title} …\n`);
  return {
    step(note = ''): void {
      done++;
      if (!terminal) return;
      const width = 24;
      const filled = Math.round((Math.min(done, total) / total) * width);
      const left = ((Date.now() - began) / done / 1000) * Math.max(0, total - done);
      process.stderr.write(
        `\r\x1b[K${title} ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${total}, ${Math.ceil(left)} s left ${note}`,
      );
    },
    end(): void {
      if (terminal) process.stderr.write('\r\x1b[K');
    },
  };
}
