import { nodeModule } from '../../core/nodeModule';

/** Where the Vulkan loader looks for drivers; $HOME and the XDG folders come on top. */
const folders = ['/usr/share', '/usr/local/share', '/etc'];

/**
 * Whether Linux has a Vulkan driver. Dawn would find out as well, but prints warnings where there is none. Other systems have Metal or
 * Direct3D.
 */
export async function hasGpuDriver(): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  const { existsSync, readdirSync } = await nodeModule<typeof import('node:fs')>('node:fs');
  const { env } = process;
  const files = (env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES'] ?? '').split(':').filter((file) => file !== '');
  if (files.length > 0) return files.some((file) => existsSync(file));
  const own = [env['XDG_DATA_HOME'] ?? `${env['HOME']}/.local/share`, ...(env['XDG_DATA_DIRS'] ?? '').split(':')];
  return [...folders, ...own]
    .filter((folder) => folder !== '')
    .map((folder) => `${folder}/vulkan/icd.d`)
    .some((folder) => existsSync(folder) && readdirSync(folder).some((file) => file.endsWith('.json')));
}
