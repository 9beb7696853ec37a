import type { Attribute } from './emitters';

/** An attribute in a graph's cache key. */
export const attributeText = (name: string, value: Attribute): string => {
  if (typeof value === 'number') return `!${name}=i${value}`;
  if (typeof value === 'string') return `!${name}=s${value}`;
  return 'float' in value ? `!${name}=f${value.float}` : `!${name}=v${value.join(',')}`;
};
