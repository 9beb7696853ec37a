/** Where ONNX Runtime computes. What a device lacks an operator for, it computes on the CPU. */
export type Device = 'cpu' | 'webgpu' | 'cuda';

export const devices: readonly Device[] = ['cpu', 'webgpu', 'cuda'];

/** The devices that an ONNX Runtime was built with; whether the machine has one shows only when it is used. */
export const devicesOf = (providers: readonly string[]): Device[] =>
  devices.filter((device) => providers.some((provider) => provider.toLowerCase() === `${device}executionprovider`));
