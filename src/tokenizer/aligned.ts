/** Text on its way through the normalizer: for each UTF-16 unit, which part of the original it comes from. */
export interface Aligned {
  readonly text: string;
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** Part of a text, aligned with itself; a character of two units counts as one place. */
export function alignedText(text: string, start = 0): Aligned {
  const [from, to]: [number[], number[]] = [[], []];
  let at = start;
  for (const character of text) {
    for (let unit = 0; unit < character.length; unit++) {
      from.push(at);
      to.push(at + character.length);
    }
    at += character.length;
  }
  return { text, from, to };
}

/** Replaces each part; character k of what comes out stands where character k of the part stood, or where its last one did. */
export function replaceParts({ text, from, to }: Aligned, parts: Iterable<string>, replace: (part: string) => string): Aligned {
  const result = { text: '', from: [] as number[], to: [] as number[] };
  let at = 0;
  for (const part of parts) {
    const replaced = replace(part);
    let place = at;
    const last = at + part.length - ([...part].at(-1)?.length ?? 0);
    for (const character of replaced) {
      for (let unit = 0; unit < character.length; unit++) {
        result.from.push(from[place]!);
        result.to.push(to[place]!);
      }
      place = Math.min(place + (text.codePointAt(place)! > 0xffff ? 2 : 1), last);
    }
    result.text += replaced;
    at += part.length;
  }
  return result;
}

/** Replaces what a pattern matches; it stands where the last character of the match stood. */
export function replacePattern(aligned: Aligned, pattern: RegExp, by: string): Aligned {
  const result = { text: '', from: [] as number[], to: [] as number[] };
  const keep = (start: number, end: number) => {
    result.text += aligned.text.slice(start, end);
    for (let at = start; at < end; at++) {
      result.from.push(aligned.from[at]!);
      result.to.push(aligned.to[at]!);
    }
  };
  let at = 0;
  for (const match of aligned.text.matchAll(pattern)) {
    const end = match.index + match[0].length;
    keep(at, match.index);
    result.text += by;
    for (let unit = 0; unit < by.length; unit++) {
      result.from.push(aligned.from[Math.max(end - 1, 0)] ?? 0);
      result.to.push(aligned.to[Math.max(end - 1, 0)] ?? 0);
    }
    at = end;
  }
  keep(at, aligned.text.length);
  return result;
}
